import { setTimeout } from "node:timers/promises";
import { ArcpError } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import { defineTool, type Tool, type ToolCall } from "./tool.ts";

const code = (code: string) => expect.objectContaining({ code });

async function calling(tools: Record<string, Tool>, options: Parameters<typeof hosting>[0] = {}) {
  const host = hosting({ tools, ...options });
  const viewer = new Viewer(host.runtime);
  await viewer.hello();
  const lease_request = { "tool.call": ["ocr.*"], "cost.budget": ["USD:1"] };
  const job = await host.start(viewer, { lease_request });
  const results = async () => {
    await job.ctx.flush();
    await settled();
    return viewer.stream
      .filter(({ payload }) => payload.kind === "tool_result")
      .map(({ payload }) => payload.body);
  };
  return { ...host, viewer, job, ctx: job.ctx, call: job.ctx.tools.call, results };
}

/** An asynchronous schema. */
function slow(): { schema: StandardSchemaV1<unknown, string>; asked: Promise<void>; go(): void } {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const validate = async (value: unknown) => {
    asked.resolve();
    await gate.promise;
    return { value: `checked ${value}` };
  };
  const schema = { "~standard": { version: 1, vendor: "test", validate } } as const;
  return { schema, asked: asked.promise, go: gate.resolve };
}

test("a tool gets the arguments as its input schema makes them, and its caller what the output schema makes", async () => {
  const page = defineTool({
    input: z.object({ page: z.int().min(1), dpi: z.int().default(300) }),
    output: z.object({ words: z.array(z.string()) }),
    run({ page, dpi }, { job }) {
      expectTypeOf(page).toEqualTypeOf<number>();
      expectTypeOf(job.id).toEqualTypeOf<string>();
      return { words: [`${page}`, `${dpi}`], secret: "not in the schema" };
    },
  });
  const { call, results } = await calling({ "ocr.page": page });
  expect(await call("ocr.page", { page: 7, more: true })).toEqual({ words: ["7", "300"] });
  expect(await results()).toEqual([{ call_id: "call_1", result: { words: ["7", "300"] } }]);
});

test("a call has the types of the tool whose type it is given", async () => {
  const page = defineTool({
    input: z.object({ page: z.int(), dpi: z.int().default(300) }),
    output: z.date().transform((date) => date.getTime()),
    run: ({ page, dpi }) => new Date(page * dpi),
  });
  const untyped = defineTool({ run: ({ page }: { page: number }) => [page] });
  const plain = async (args: unknown) => `${args}`;
  const tools = { "ocr.page": page, "ocr.untyped": untyped, "ocr.plain": plain };
  const { ctx } = await calling(tools);
  const when = await ctx.tools.call<typeof page>("ocr.page", { page: 7 });
  expectTypeOf(when).toEqualTypeOf<number>();
  expect(when).toBe(2100);
  const pages = await ctx.tools.call<typeof untyped>("ocr.untyped", { page: 7 });
  expectTypeOf(pages).toEqualTypeOf<number[]>();
  expect(pages).toEqual([7]);
  const text = await ctx.tools.call<typeof plain>("ocr.plain", 7);
  expectTypeOf(text).toEqualTypeOf<string>();
  expect(text).toBe("7");
  expectTypeOf(await ctx.tools.call("ocr.untyped", { page: 7 })).toEqualTypeOf<unknown>();
  // @ts-expect-error the page is a number
  await expect(ctx.tools.call<typeof page>("ocr.page", { page: "7" })).rejects.toEqual(
    code("INVALID_REQUEST"),
  );
});

test("invalid arguments are INVALID_REQUEST to the agent and on the stream, and the tool is not run", async () => {
  let ran = 0;
  const input = z.object({ pages: z.array(z.object({ number: z.int() })) });
  const { call, results } = await calling({
    "ocr.page": defineTool({ input, run: () => ++ran }),
    "mail.send": defineTool({ input, run: () => ++ran }),
  });
  const wrong = call("ocr.page", { pages: [{ number: 1 }, { number: "two" }] });
  await expect(wrong).rejects.toEqual(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^ocr\.page: args\.pages\.1\.number: /),
    }),
  );
  await expect(call("ocr.page")).rejects.toThrow(/^ocr\.page: args: /);
  // A job that may not call it learns nothing of its schema.
  await expect(call("mail.send")).rejects.toEqual(code("PERMISSION_DENIED"));
  expect(ran).toBe(0);
  expect((await results()).map((body) => body.error?.code)).toEqual([
    "INVALID_REQUEST",
    "INVALID_REQUEST",
    "PERMISSION_DENIED",
  ]);
});

test.each(["", 5, null, undefined, {}, ["ocr.page"]])(
  "R-8.1-2: %j is not a tool's name, since no event could report its call",
  async (name) => {
    const { call, viewer, results } = await calling({});
    await expect(call(name as never, {})).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    expect(await results()).toEqual([]);
    expect(viewer.stream.some(({ payload }) => payload.kind === "tool_call")).toBe(false);
  },
);

test("an invalid result is INTERNAL_ERROR, and what was wrong with it stays in the process", async () => {
  const output = z.enum(["black", "white"]);
  const run = () => "hunter2" as "black";
  const { call, results } = await calling({ "ocr.colour": defineTool({ output, run }) });
  const thrown = await call("ocr.colour").catch((error: unknown) => error);
  expect(thrown).toMatchObject({
    code: "INTERNAL_ERROR",
    cause: { message: expect.stringContaining("the tool ocr.colour violated its output schema") },
  });
  const shown = await results();
  expect(shown).toEqual([{ call_id: "call_1", error: code("INTERNAL_ERROR") }]);
  expect(JSON.stringify(shown)).not.toMatch(/hunter2|black/);
});

test("a schema that throws fails only the call", async () => {
  const broken = z.unknown().transform((): string => {
    throw new Error("broken");
  });
  const { call } = await calling({ "ocr.page": defineTool({ input: broken, run: () => 1 }) });
  await expect(call("ocr.page", {})).rejects.toEqual(code("INTERNAL_ERROR"));
});

test.each([
  ["CANCELLED", "job.cancel"],
  ["BUDGET_EXHAUSTED", "metric"],
])(
  "R-9.3-1: %s by a %s while a schema is still checking: the tool is not run",
  async (refusal, by) => {
    const { schema, asked, go } = slow();
    let ran = 0;
    const tool = defineTool({ input: schema, run: () => ++ran });
    const { call, ctx, viewer, job } = await calling({ "ocr.page": tool });
    const called = call("ocr.page", 1);
    await asked;
    if (by === "metric") await ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    else await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
    go();
    await expect(called).rejects.toEqual(code(refusal));
    expect(ran).toBe(0);
  },
);

test("a tool that the signal interrupts fails with the reason why it had to stop", async () => {
  const wait = async (_: unknown, { signal }: ToolCall) => setTimeout(60_000, null, { signal });
  const { call, viewer, job, results } = await calling({ "ocr.page": wait });
  const called = call("ocr.page");
  const why = { code: "CANCELLED", message: "enough" };
  const refused = expect(called).rejects.toMatchObject(why);
  await settled();
  await viewer.reply(viewer.send("job.cancel", { reason: "enough" }, { job_id: job.id }));
  await refused;
  expect(await results()).toEqual([{ call_id: "call_1", error: { ...why, retryable: false } }]);
});

test("R-9.3-1: a lease that expires while a schema is still checking refuses the call and ends the job", async () => {
  const { schema, asked, go } = slow();
  let ran = 0;
  const tools = { "ocr.page": defineTool({ input: schema, run: () => ++ran }) };
  const { clock, runtime, start } = hosting({ tools, endJobsAtExpiry: false });
  const viewer = new Viewer(runtime);
  await viewer.hello(["lease_expires_at"]);
  const expires_at = new Date(clock.now() + 5_000).toISOString();
  const job = await start(viewer, {
    lease_request: { "tool.call": ["ocr.*"] },
    lease_constraints: { expires_at },
  });
  const called = job.ctx.tools.call("ocr.page", 1);
  await asked;
  clock.advance(5_000);
  go();
  await expect(called).rejects.toEqual(code("LEASE_EXPIRED"));
  expect(ran).toBe(0);
  expect((await viewer.terminal(job.id)).payload.code).toBe("LEASE_EXPIRED");
});

test("R-9.3-1: no turn passes between the last check and the start of the tool", async () => {
  const order: string[] = [];
  const { job, call } = await calling({ "ocr.page": () => order.push("run") });
  const called = call("ocr.page");
  // What runs right after the record is durable runs after the tool was started.
  await job.ctx.flush();
  await Promise.resolve();
  order.push("later");
  await called;
  expect(order).toEqual(["run", "later"]);
});

test.each([["text"], [{}], [null], [{ run: "no" }]])("%j is not a tool", (tool) => {
  expect(() => hosting({ tools: { "ocr.page": tool as unknown as Tool } })).toThrow(code("MISUSE"));
});

test("R-9.3-3: a refusal is still the refusal if there is no room to show it", async () => {
  const { ctx } = await calling({});
  const flood = () => {
    for (;;) void ctx.log.info("more");
  };
  expect(flood).toThrow("events wait to be written");
  expect(() => ctx.model("openai/gpt")).toThrow(code("PERMISSION_DENIED"));
  const refused = [ctx.fs.readText("/etc/passwd"), ctx.fetch("https://example.com/")];
  for (const operation of refused)
    await expect(operation).rejects.toEqual(code("PERMISSION_DENIED"));
});

test("R-9.3-3: an error too large for the stream is shown as its size, and the agent gets all of it", async () => {
  const details = { page: "x".repeat(2 ** 21) };
  const { call, results } = await calling({
    "ocr.page": () => {
      throw new ArcpError("INVALID_REQUEST", "no such page", { details });
    },
  });
  const thrown = { code: "INVALID_REQUEST", message: "no such page" };
  await expect(call("ocr.page")).rejects.toMatchObject({ ...thrown, details });
  expect(await results()).toMatchObject([
    { call_id: "call_1", error: { ...thrown, details: { truncated: true } } },
  ]);
});

test("R-5.2-7, R-8.2-1: what nests too deep for the stream is shown as its size, and tool and agent get all of it", async () => {
  const deep = JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`);
  const { call, results, viewer } = await calling({ "ocr.page": (args) => args });
  expect(await call("ocr.page", deep)).toEqual(deep);
  expect(await results()).toEqual([
    { call_id: "call_1", result: { truncated: true, byte_size: 1000 } },
  ]);
  const { payload } = await viewer.find((frame) => frame.payload.kind === "tool_call");
  expect(payload.body.args).toEqual({ truncated: true, byte_size: 1000 });
});

test("what JSON cannot express is shown as null on the stream, and the call still has a result", async () => {
  const { call, results } = await calling({
    "ocr.page": () => () => "later",
    "ocr.none": () => {},
  });
  expect(await call("ocr.page")).toBeInstanceOf(Function);
  expect(await call("ocr.none")).toBeUndefined();
  expect(await results()).toEqual([
    { call_id: "call_1", result: null },
    { call_id: "call_2", result: null },
  ]);
});

test.each([
  ["a plain context", {}],
  ["an observed one", { observer: { job: () => ({ operation: () => ({}) }) } }],
])(
  "R-8.2-1: a tool that throws something that cannot be inspected still has a result, in %s",
  async (_, options) => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const broken = () => {
      throw proxy;
    };
    const { call, results, job, viewer } = await calling({ "ocr.read": broken }, options);
    const error = await call("ocr.read").catch((thrown: unknown) => thrown);
    expect(error).toEqual(code("INTERNAL_ERROR"));
    expect(await results()).toEqual([expect.objectContaining({ error: code("INTERNAL_ERROR") })]);
    job.fail(error);
    expect((await viewer.terminal(job.id)).payload).toEqual(code("INTERNAL_ERROR"));
  },
);

test("R-9.3-3: a tool gets the arguments that are shown, even if the agent changes them meanwhile", async () => {
  const got: unknown[] = [];
  const { call, viewer } = await calling({ "ocr.page": (args) => got.push(args) });
  const args = { path: "/allowed" };
  const called = call("ocr.page", args);
  args.path = "/elsewhere";
  await called;
  expect(got).toEqual([{ path: "/allowed" }]);
  await settled();
  const shown = viewer.stream.filter(({ payload }) => payload.kind === "tool_call");
  expect(shown.map(({ payload }) => payload.body.args)).toEqual([{ path: "/allowed" }]);
  await expect(call("ocr.page", 1n)).rejects.toEqual(code("INVALID_REQUEST"));
  expect(got).toHaveLength(1);
});

test("R-8.2-1: a result whose toJSON changes is shown on the stream as it was first", async () => {
  let asked = 0;
  const fickle = { toJSON: () => (asked++ === 0 ? { pages: 7 } : undefined) };
  const { call, results } = await calling({ "ocr.page": async () => fickle });
  expect(await call("ocr.page")).toBe(fickle);
  expect(await results()).toEqual([{ call_id: "call_1", result: { pages: 7 } }]);
});
