import { ArcpError, features } from "@arcp/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import { defineAgent } from "./agent.ts";

async function speaking(lease_request: object = {}) {
  const rig = hosting();
  const viewer = new Viewer(rig.runtime);
  await viewer.hello(features);
  const job = await rig.start(viewer, { lease_request });
  const bodies = async (kind: string) => {
    await job.ctx.flush();
    await settled();
    return viewer.stream.filter(({ payload }) => payload.kind === kind).map((f) => f.payload.body);
  };
  return { ...rig, viewer, job, ctx: job.ctx, bodies };
}

test("R-8.1-2: an event that does not fit its schema is refused at once and leaves no trace", async () => {
  const { ctx, viewer } = await speaking();
  const wrong: Array<() => unknown> = [
    () => ctx.progress({ current: -1 }),
    () => ctx.progress({ current: Number.NaN }),
    () => ctx.metric({ name: "", value: 1 }),
    () => ctx.metric({ name: "m", value: "1" as never }),
    () => ctx.artifact({ uri: "", content_type: "text/plain" }),
    () => ctx.artifact({ uri: "file:///x", content_type: "text/plain", sha256: "abc" }),
    () => ctx.status(""),
    () => ctx.log.info(7 as never),
    () => ctx.thought(undefined as never),
    () => ctx.emit("foo", {}),
    () => ctx.emit("log", { level: "info", message: "x" }),
    () => ctx.emit("x-vendor.acme.thing", [] as never),
    () => ctx.emit(["x-vendor.acme.thing"] as never, {}),
    () => ctx.emit({ toString: () => "x-vendor.acme.thing" } as never, {}),
  ];
  for (const emission of wrong) expect(emission).toThrow(/./);
  for (const attributes of ["text", 7, null, ["list"]]) {
    expect(() => ctx.log.info("x", attributes as never)).toThrow(/attributes/);
  }
  await ctx.flush();
  await settled();
  // The runtime's own event for the start, and nothing else.
  expect(viewer.stream).toHaveLength(1);
});

test("R-8.1-2: the dimensions of a metric are strings on the stream, whatever toJSON makes of their object", async () => {
  const { ctx, bodies } = await speaking();
  class Labels {
    host = "a1";
    toJSON() {
      return { host: 1 };
    }
  }
  for (const dimensions of [new Labels(), new Date(0)]) {
    await ctx.metric({ name: "m", value: 1, dimensions: dimensions as never });
    await ctx.metric({ name: "cost.m", value: 1, dimensions: dimensions as never });
  }
  expect((await bodies("metric")).map((body) => body.dimensions)).toEqual([
    { host: "a1" },
    { host: "a1" },
    {},
    {},
  ]);
});

test("R-8.2-3: an agent cannot announce the runtime's own phases and metrics", async () => {
  const { ctx } = await speaking();
  for (const phase of ["running", "back_pressure", "credential_rotated"]) {
    expect(() => ctx.status(phase)).toThrow(/runtime/);
  }
  for (const name of ["cost.budget.remaining", "cost.budget.", "cost.budget.mine"]) {
    expect(() => ctx.metric({ name, value: 1, unit: "USD" })).toThrow(/runtime/);
  }
});

test("R-8.2-2: progress with current above total is sent without the total", async () => {
  const { ctx, bodies } = await speaking();
  await ctx.progress({ current: 5, total: 3, units: "files" });
  await ctx.progress({ current: 3, total: 3 });
  expect(await bodies("progress")).toEqual([
    { current: 5, units: "files" },
    { current: 3, total: 3 },
  ]);
});

test("R-8.2-4: an event of a vendor kind is sent as it is", async () => {
  const { ctx, bodies } = await speaking();
  await ctx.emit("x-vendor.acme.thing", { deep: { list: [1, null] } });
  expect(await bodies("x-vendor.acme.thing")).toEqual([{ deep: { list: [1, null] } }]);
});

test("R-8.1-2: an agent that declares its events emits those alone, as their schemas transform them", async () => {
  const errors: unknown[] = [];
  const slow = z.object({}).refine(async () => true);
  const agent = defineAgent({
    name: "moody",
    events: {
      "x-vendor.acme.mood": z.object({ mood: z.string(), why: z.string().default("unknown") }),
      "x-vendor.acme.slow": slow,
      "x-vendor.acme.list": z.array(z.number()),
    },
    async run(ctx) {
      const wrong: (() => unknown)[] = [
        () => ctx.emit("x-vendor.acme.mood", { mood: 7 } as never),
        () => ctx.emit("x-vendor.acme.other" as never, {} as never),
        () => ctx.emit("toString" as never, {} as never),
        () => ctx.emit("x-vendor.acme.list", [1]),
        () => ctx.emit("x-vendor.acme.slow", {}),
      ];
      for (const emission of wrong) {
        try {
          emission();
        } catch (error) {
          errors.push(error);
        }
      }
      await ctx.emit("x-vendor.acme.mood", { mood: "good" });
    },
  });
  const { runtime } = hosting({ agents: [agent] });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { job_id = "" } = await viewer.submit("moody", null);
  await viewer.terminal(job_id);
  expect(errors).toEqual([
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^x-vendor\.acme\.mood\.mood: .*string/),
    }),
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^x-vendor\.acme\.other is not among .*x-vendor\.acme\.mood/),
    }),
    expect.objectContaining({ code: "INVALID_REQUEST", message: expect.stringMatching(/kind/) }),
    expect.objectContaining({ code: "INVALID_REQUEST", message: expect.stringMatching(/object/) }),
    expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(/asynchronous/) }),
  ]);
  expect(viewer.stream.map(({ payload }) => payload.body)).toEqual([
    { phase: "running" },
    { mood: "good", why: "unknown" },
    undefined,
  ]);
});

test("R-8.1-1: what JSON does not make an object of is refused as a body and as attributes", async () => {
  const { ctx, bodies } = await speaking();
  const made = (value: unknown): never => ({ toJSON: () => value }) as never;
  const raw = Reflect.get(JSON, "rawJSON")("1");
  const odd = [new Date(0), new String("text"), raw, made(raw)];
  const none = [made("text"), made(["list"]), made(undefined), ...odd];
  for (const body of none) {
    expect(() => ctx.emit("x-vendor.acme.thing", body as never)).toThrow(/must be an object/);
    expect(() => ctx.log.info("x", body as never)).toThrow(/must be an object/);
  }
  await ctx.emit("x-vendor.acme.thing", made({ a: 1, toJSON: () => 2 }));
  expect(await bodies("x-vendor.acme.thing")).toEqual([{ a: 1 }]);
  expect(await bodies("log")).toEqual([]);
});

test("R-8.1-1: what is not JSON is refused with a message that names the event but reveals nothing of the error", async () => {
  const { ctx, bodies } = await speaking();
  const kind = "x-vendor.acme.thing";
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const fail = (): never => {
    throw new TypeError("secret");
  };
  const failing = {
    get value() {
      return fail();
    },
  };
  for (const body of [circle, { deep: [circle] }, { big: 1n }, { toJSON: fail }, failing]) {
    const refusal = (what: string): unknown =>
      expect.objectContaining({
        code: "INVALID_REQUEST",
        message: `${what} must be JSON: no BigInt, no circular reference, and nothing that throws when it is read`,
        cause: expect.any(TypeError),
      });
    expect(() => ctx.emit(kind, body)).toThrow(refusal(`a ${kind} event`));
    expect(() => ctx.log.info("x", body)).toThrow(refusal("a log event"));
  }
  const unreadable = {
    get toJSON() {
      return fail();
    },
  };
  const refused = expect.objectContaining({
    code: "INVALID_REQUEST",
    message: expect.stringContaining("must be JSON"),
  });
  expect(() => ctx.emit(kind, unreadable)).toThrow(refused);
  expect(() => ctx.log.info("x", unreadable)).toThrow(refused);
  expect(() =>
    ctx.progress({
      get current() {
        return fail();
      },
    }),
  ).toThrow(refused);
  expect(() =>
    ctx.metric({
      name: "m",
      get value() {
        return fail();
      },
    }),
  ).toThrow(refused);
  expect(() => ctx.progress({ current: 1n as never })).toThrow(/progress.current/);
  for (const body of [() => 1, 1n, Symbol("x")]) {
    expect(() => ctx.emit(kind, body as never)).toThrow(/body of an event must be an object/);
    expect(() => ctx.log.info("x", body as never)).toThrow(/attributes must be an object/);
  }
  const own = new ArcpError("PERMISSION_DENIED", "not here");
  expect(() =>
    ctx.emit(kind, {
      toJSON: () => {
        throw own;
      },
    }),
  ).toThrow(own);
  await ctx.log.info("after");
  expect(await bodies(kind)).toEqual([]);
  expect(await bodies("log")).toMatchObject([{ message: "after" }]);
});

test("J1: an event that emits while it is being serialised is refused, and the log stays dense", async () => {
  const { ctx, viewer, job } = await speaking();
  const inner = { toJSON: () => void ctx.log.info("inner") };
  expect(() => ctx.log.info("outer", { inner })).toThrow(/toJSON/);
  await ctx.log.info("after");
  job.end("done");
  await viewer.terminal(job.id);
  expect(viewer.stream.map(({ job_seq }) => job_seq)).toEqual(dense(4));
  expect(viewer.stream.map(({ payload }) => payload.body?.message)).toEqual([
    undefined,
    "inner",
    "after",
    undefined,
  ]);
});

test("J1: a result that emits while it is being serialised ends the job with an error", async () => {
  const { ctx, viewer, job } = await speaking();
  job.end({ toJSON: () => void ctx.log.info("inner") });
  expect((await viewer.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
  expect(viewer.stream.map(({ job_seq }) => job_seq)).toEqual(dense(viewer.stream.length));
});

test("R-9.6-11: the last notice of a budget comes after what serialising the result spends", async () => {
  const host = hosting();
  const viewer = new Viewer(host.runtime);
  await viewer.hello();
  const job = await host.start(viewer, { lease_request: { "cost.budget": ["USD:10"] } });
  const cost = (value: number) => job.ctx.metric({ name: "cost.search", value, unit: "USD" });
  await cost(1);
  job.end({ toJSON: () => void cost(0.25) });
  await viewer.terminal(job.id);
  const told = viewer.stream.filter(({ payload }) => payload.kind === "metric");
  expect(told.at(-1)?.payload.body).toMatchObject({ name: "cost.budget.remaining", value: 8.75 });
});

test("R-4.1-7: an event that does not fit into one message is refused to the agent", async () => {
  const { ctx, bodies } = await speaking();
  expect(() => ctx.log.info("x".repeat(1024 * 1024))).toThrow(/1 MiB/);
  expect(() => ctx.log.info("\u0001".repeat(200_000))).toThrow(/1 MiB/);
  await ctx.log.info("x".repeat(1000 * 1000));
  expect(await bodies("log")).toHaveLength(1);
});

test("R-5.2-7: what nests deeper than a client must read is refused as an event, and ends the job as a result", async () => {
  const { ctx, viewer, job } = await speaking();
  // Around the body are the payload and the envelope.
  await ctx.emit("x-vendor.acme.tree", nested(126));
  expect(() => ctx.emit("x-vendor.acme.tree", nested(127))).toThrow(/deeper than 128/);
  expect(() => ctx.log.info("tree", { tree: nested(200) })).toThrow(/deeper than 128/);
  job.end(nested(200));
  const { payload } = await viewer.terminal(job.id);
  expect(payload).toMatchObject({
    final_status: "error",
    code: "INTERNAL_ERROR",
    message: expect.stringMatching(/deeper than the 128 levels/),
  });
  const levels = viewer.frames.map((frame) => depthOf(frame));
  expect(Math.max(...levels)).toBe(128);
});

test.each([
  ["large", { page: "x".repeat(2 ** 21) }],
  ["deep", nested(200)],
])("R-7.3-9: an error whose details are too %s to be sent keeps its code", async (_, details) => {
  const { viewer, job } = await speaking();
  job.fail(new ArcpError("PERMISSION_DENIED", "not this page", { details }));
  expect((await viewer.terminal(job.id)).payload).toEqual({
    final_status: "error",
    code: "PERMISSION_DENIED",
    message: "not this page",
    retryable: false,
    details: { truncated: true },
  });
});

test("R-7.3-9: an error whose message is too long to be sent keeps its code and the beginning of the message", async () => {
  const { viewer, job } = await speaking();
  const error = new ArcpError("PERMISSION_DENIED", "not this page");
  error.message += `: ${"x".repeat(2 ** 21)}`;
  job.fail(error);
  const { code, message } = (await viewer.terminal(job.id)).payload;
  expect([code, message]).toEqual(["PERMISSION_DENIED", error.message.slice(0, 2048)]);
});

test("R-5.2-7: a result with as many levels as a client reads is sent", async () => {
  const { viewer, job } = await speaking();
  job.end(nested(126));
  const frame = await viewer.terminal(job.id);
  expect([frame.type, depthOf(frame)]).toEqual(["job.result", 128]);
});

test("R-9.6-3: a cost is charged exactly, and a refused metric costs nothing", async () => {
  const { ctx, bodies } = await speaking({ "cost.budget": ["USD:1.00"] });
  for (let i = 0; i < 3; i++) await ctx.metric({ name: "cost.search", value: 0.1, unit: "USD" });
  expect(ctx.budget.remaining()).toEqual({ USD: "0.7" });
  expect(() => ctx.metric({ name: "cost.search", value: -0.01, unit: "USD" })).toThrow(/cost/);
  expect(() =>
    ctx.metric({ name: "cost.search", value: 0.1, unit: "USD", dimensions: { n: 1n as never } }),
  ).toThrow(/./);
  expect(ctx.budget.remaining()).toEqual({ USD: "0.7" });
  expect((await bodies("metric")).filter(({ name }) => name === "cost.search")).toHaveLength(3);
});

test("R-7.3-3: what an agent emits after the end is discarded without an error", async () => {
  const { ctx, viewer, job } = await speaking();
  job.end("done");
  await viewer.terminal(job.id);
  const count = viewer.stream.length;
  await ctx.log.info("late");
  await ctx.metric({ name: "cost.search", value: 1, unit: "USD" });
  await ctx.flush();
  await settled();
  expect(viewer.stream).toHaveLength(count);
});

test("a checkpoint of which the next attempt would find nothing is refused at once", async () => {
  const { ctx } = await speaking();
  for (const [value, tag] of [
    [new Set(["done"]), "[object Set]"],
    [new Map([["done", 1]]), "[object Map]"],
    [new Uint8Array(1), "[object Uint8Array]"],
    [() => 1, "[object Function]"],
  ] as const) {
    expect(() => ctx.checkpoint(value)).toThrow(
      expect.objectContaining({
        code: "INVALID_REQUEST",
        message: `a checkpoint must be a JSON value: of ${tag} nothing would be left`,
      }),
    );
  }
  await ctx.checkpoint([...new Set(["done"])]);
});

test("an unknown option is refused, and the call has no effect", async () => {
  const lease_request = {
    "agent.delegate": ["led"],
    "model.use": ["m"],
    "fs.write": ["/**"],
    "cost.budget": ["USD:1"],
  };
  const { ctx, viewer } = await speaking(lease_request);
  const prices = { input: { USD: "1" } };
  const calls: Array<[() => unknown, string]> = [
    [
      () => ctx.delegate("led", null, { "tool.call": ["x"] } as object),
      "delegate: tool.call is not one of its options, which are lease, expiresAt, maxRuntimeSec, id",
    ],
    [
      () => ctx.delegate("led", null, { maxRuntime: 60 } as object),
      "delegate: maxRuntime is not one",
    ],
    [
      () => ctx.model("m", { prices, reserves: { input: 1 } } as object),
      "model: reserves is not one of its options, which are prices, reserve",
    ],
    [
      () => ctx.spend.reserve({ USD: "0.1" }, { Name: "cost.x" } as object),
      "reserve: Name is not one of its options, which are name, dimensions",
    ],
    [
      () => ctx.fs.writeFile("/nowhere/x", "", { flags: "a" } as object),
      "writeFile: flags is not one of its options, which are flag",
    ],
    [
      () => ctx.fs.writeFile("/nowhere/x", "", "utf8" as never),
      "writeFile: must be an object, not a string",
    ],
  ];
  for (const [call, message] of calls) {
    await expect((async () => call())()).rejects.toMatchObject({
      name: "LocalError",
      code: "MISUSE",
      message: expect.stringContaining(message),
    });
  }
  expect(ctx.budget.available()).toEqual({ USD: "1" });
  await ctx.flush();
  await settled();
  // The runtime's own event for the start, and nothing else.
  expect(viewer.stream).toHaveLength(1);
});

test("a context can be destructured", async () => {
  const { ctx, bodies } = await speaking({ "cost.budget": ["USD:1"] });
  const { log, thought, status, progress, metric, emit, checkpoint, flush, job, lease } = ctx;
  const { info } = log;
  const { remaining } = ctx.budget;
  await info("from a function alone");
  await log.warn("from its group");
  await thought("aloud");
  await status("working");
  await progress({ current: 1 });
  await metric({ name: "m", value: 1 });
  await emit("x-vendor.acme.thing", { a: 1 });
  await checkpoint({ step: 1 });
  await flush();
  expect(remaining()).toEqual({ USD: "1" });
  expect(job).toMatchObject({ principal: "alice" });
  expect(lease).toEqual({ "cost.budget": ["USD:1"] });
  expect((await bodies("log")).map(({ message }) => message)).toEqual([
    "from a function alone",
    "from its group",
  ]);
  expect(await bodies("x-vendor.acme.thing")).toEqual([{ a: 1 }]);
});

test("a context can be spread into another one", async () => {
  const { ctx, bodies } = await speaking({ "cost.budget": ["USD:1"] });
  const wider = { ...ctx, tenant: "acme" };
  await wider.log.info("from a copy");
  expect(wider.signal).toBe(ctx.signal);
  expect(wider.budget.remaining()).toEqual({ USD: "1" });
  expect(wider.job).toEqual(ctx.job);
  expect(Object.keys(ctx)).toEqual(expect.arrayContaining(["tools", "delegate", "attempt"]));
  expect(await bodies("log")).toHaveLength(1);
  // A proxy or a derived object works as well.
  expect(new Proxy(ctx, {}).job).toEqual(ctx.job);
  expect(Object.create(ctx).attempt).toBe(1);
});

/** An object with this many levels. */
function nested(levels: number): Record<string, unknown> {
  return levels === 1 ? {} : { in: nested(levels - 1) };
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
