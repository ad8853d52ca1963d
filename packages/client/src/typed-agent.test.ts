import {
  type InputOf,
  LocalError,
  linkedPair,
  type OutputOf,
  type VendorEvent,
  type VendorEventOf,
} from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { assert, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { z } from "zod";
import { collect, ScriptedRuntime } from "../test/scripted-runtime.ts";
import {
  type Client,
  connect,
  type Job,
  type JobEvent,
  type TypedAgent,
  type WatchedJob,
} from "./index.ts";

const AuditInput = z.object({
  root: z.string(),
  depth: z.string().default("1").transform(Number),
});

const audit = defineAgent({
  name: "audit",
  version: "2.0.0",
  input: AuditInput,
  output: z.object({ findings: z.array(z.string()), at: z.date() }),
  events: {
    "x-vendor.acme.confidence": z.object({ score: z.number().default(1) }),
    "x-vendor.acme.seen": z.object({ at: z.date(), note: z.string().optional() }),
  },
  run: async (ctx, input) => {
    expectTypeOf(input).toEqualTypeOf<{ root: string; depth: number }>();
    await ctx.emit("x-vendor.acme.confidence", {});
    await ctx.emit("x-vendor.acme.confidence", { score: 0.83 });
    await ctx.emit("x-vendor.acme.seen", { at: new Date(0) });
    await ctx.thought("in general");
    return { findings: [`${input.depth} below ${input.root}`], at: new Date(0) };
  },
});
const plain = defineAgent({
  name: "plain",
  run: async (_ctx, { root }: { root: string }) => ({ findings: [`in ${root}`] }),
});
const untyped = defineAgent({
  name: "untyped",
  run: async (ctx, input) => {
    await ctx.emit("x-vendor.acme.free", { any: "thing" });
    return input;
  },
});

async function hosted(): Promise<Client> {
  const runtime = createRuntime({
    agents: [audit, plain, untyped],
    auth: tokenTable({ secret: "alice" }),
  });
  const { client: near, runtime: far } = linkedPair();
  runtime.serve(far);
  const client = await connect(async () => near, { token: "secret" });
  onTestFinished(async () => {
    await client.close();
    await runtime.close();
  });
  return client;
}

test("an agent's definition types its input, its events and its result", async () => {
  const client = await hosted();
  const auditing = client.agent<typeof audit>("audit@2.0.0");
  expect(auditing.reference).toBe("audit@2.0.0");
  // What a client sends is the schema's input, not its output.
  expectTypeOf(auditing.submit).parameter(0).toEqualTypeOf<{
    root: string;
    depth?: string | undefined;
  }>();
  const job = await auditing.submit({ root: "/srv", depth: "3" }, { maxRuntimeSec: 60 });

  const scores: number[] = [];
  const seen: string[] = [];
  const others: string[] = [];
  for await (const event of job.events) {
    if (event.kind === "x-vendor.acme.confidence") {
      expectTypeOf(event.body).toEqualTypeOf<{ score: number }>();
      scores.push(event.body.score);
    } else if (event.kind === "x-vendor.acme.seen") {
      expectTypeOf(event.body).toEqualTypeOf<{ at: string; note?: string | undefined }>();
      seen.push(event.body.at);
    } else if (event.kind === "thought") {
      expectTypeOf(event.body).toEqualTypeOf<{ text: string }>();
      others.push(event.body.text);
    } else if (event.kind === "opaque") {
      expectTypeOf(event.name).toBeString();
    }
    // @ts-expect-error its definition has no such kind
    if (event.kind === "x-vendor.acme.other") others.push("never");
  }
  // What its schema makes of a body is what is emitted.
  expect(scores).toEqual([1, 0.83]);
  expect(seen).toEqual(["1970-01-01T00:00:00.000Z"]);
  expect(others).toEqual(["in general"]);

  const result = await job.result();
  expectTypeOf(result).toEqualTypeOf<{ findings: string[]; at: string }>();
  expect(result).toEqual({ findings: ["3 below /srv"], at: "1970-01-01T00:00:00.000Z" });

  const again = await auditing.job(job.id, { fromJobSeq: 1 });
  expectTypeOf(again.events).toEqualTypeOf(job.events);
  expectTypeOf(await again.result()).toEqualTypeOf<{ findings: string[]; at: string }>();
  expect(await again.result()).toEqual(result);

  // Whoever only watches it names the types.
  type Result = OutputOf<typeof audit>;
  type Events = VendorEventOf<typeof audit>;
  const watched = await client.subscribe<Result, Events>(job.id, { history: true });
  expectTypeOf(watched.events).toEqualTypeOf(job.events);
  expect(await watched.result()).toEqual(result);
  const watch = client.watch<Result, Events>({ agent: "audit" });
  expectTypeOf(watch).toEqualTypeOf<
    AsyncIterableIterator<WatchedJob<typeof result, Events>, void>
  >();
  expectTypeOf(client.watch()).toEqualTypeOf<AsyncIterableIterator<WatchedJob, void>>();

  const outcome = await again.outcome();
  assert(outcome.status === "success");
  expectTypeOf(outcome.result).toEqualTypeOf<typeof result | undefined>();
  expect(outcome.result).toEqual(result);
});

test("a wrong input does not compile, and neither does the name of another agent", async () => {
  const client = await hosted();
  const auditing = client.agent<typeof audit>("audit");
  const refused = [
    // @ts-expect-error root is a string
    auditing.submit({ root: 1 }),
    // @ts-expect-error depth is a string until the schema has turned it into a number
    auditing.submit({ root: "/", depth: 3 }),
    // @ts-expect-error an input is needed
    auditing.submit(),
    // @ts-expect-error there is no such agent
    client.agent<typeof audit>("odit").submit({ root: "/" }),
  ];
  const outcomes = await Promise.allSettled(
    refused.map(async (submitted) => (await submitted).result()),
  );
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code)).toEqual([
    "INVALID_REQUEST",
    "INVALID_REQUEST",
    "INVALID_REQUEST",
    "AGENT_NOT_AVAILABLE",
  ]);
});

test("a definition adds no types that it does not declare", async () => {
  const client = await hosted();
  const job = await client.agent<typeof plain>("plain").submit({ root: "/srv" });
  expectTypeOf(job).toEqualTypeOf<Job<{ findings: string[] }, VendorEvent>>();
  expect(await job.result()).toEqual({ findings: ["in /srv"] });

  const free = await client.agent<typeof untyped>("untyped").submit();
  expectTypeOf(free).toEqualTypeOf<Job>();
  expectTypeOf(await free.result()).toBeUnknown();
  expect(await free.result()).toBeNull();
  expectTypeOf(client.agent<typeof untyped>("untyped")).toEqualTypeOf<TypedAgent<typeof untyped>>();

  const bare = await client.submit("untyped", { any: "thing" });
  expectTypeOf(await bare.result()).toBeUnknown();
  const events = await collect(bare.events);
  expectTypeOf(events).toEqualTypeOf<JobEvent[]>();
  const bodies = events.flatMap((event) => {
    if (event.kind !== "x-vendor.acme.free") return [];
    expectTypeOf(event.body).toEqualTypeOf<Record<string, unknown>>();
    return [event.body];
  });
  expect(bodies).toEqual([{ any: "thing" }]);
});

test("the input's schema, if given, is checked before anything is sent", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const auditing = client.agent<typeof audit>("audit", { input: AuditInput });
  expectTypeOf(auditing).toEqualTypeOf<TypedAgent<typeof audit>>();
  // @ts-expect-error root is a string
  const wrong = auditing.submit({ root: 1 });
  await expect(wrong).rejects.toThrow(LocalError);
  await expect(wrong).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringMatching(/^input\.root: .*string/),
  });
  const cyclic: { root: string; self?: unknown } = { root: "/" };
  cyclic.self = cyclic;
  await expect(auditing.submit(cyclic)).rejects.toMatchObject({ code: "MISUSE" });
  await wire.barrier();

  // What is sent is what was passed: the agent's own schema turns it into the agent's input.
  void auditing.submit({ root: "/", depth: "2" });
  expect((await wire.next("job.submit")).payload.input).toEqual({ root: "/", depth: "2" });

  // Without the agent's type, the schema alone gives it. It checks what the runtime will see: a Date is text by then.
  const Since = z.object({ since: z.iso.datetime() });
  const since = client.agent("since@1", { input: Since });
  expectTypeOf(since.submit).parameter(0).toEqualTypeOf<{ since: string }>();
  // @ts-expect-error a Date is no string, though it becomes one
  void since.submit({ since: new Date(0) });
  expect((await wire.next("job.submit")).payload).toMatchObject({ agent: "since@1" });
  // @ts-expect-error another input than the agent takes
  client.agent<typeof plain>("plain", { input: z.object({ root: z.number() }) });
});

test("the types of agents", () => {
  expectTypeOf<InputOf<typeof audit>>().toEqualTypeOf<z.input<typeof AuditInput>>();
  expectTypeOf<OutputOf<typeof audit>>().toEqualTypeOf<{ findings: string[]; at: string }>();
  expectTypeOf<VendorEventOf<typeof untyped>>().toEqualTypeOf<VendorEvent>();

  const silent = defineAgent({ name: "silent", events: {}, run: async () => {} });
  expectTypeOf<OutputOf<typeof silent>>().toBeNull();
  expectTypeOf<VendorEventOf<typeof silent>>().toBeNever();
  expectTypeOf<InputOf<{ run: (ctx: unknown, input: bigint) => Promise<Date> }>>().toBeBigInt();
  expectTypeOf<OutputOf<{ run: (ctx: unknown, input: bigint) => Promise<Date> }>>().toBeString();
});

test("what was checked is sent, even if the caller changes it meanwhile", async () => {
  const client = await hosted();
  const known = client.agent("plain", { input: z.object({ root: z.string() }) });
  const input = { root: "" };
  const submitted = ["a", "b", "c"].map((root) => {
    input.root = root;
    return known.submit(input);
  });
  input.root = 1 as never;
  const results = await Promise.all(submitted.map(async (job) => (await job).result()));
  expect(results).toEqual(["a", "b", "c"].map((root) => ({ findings: [`in ${root}`] })));
});
