import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allowAnonymous, createRuntime, defineAgent, memoryStore } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { pino } from "pino";
import { expect, test } from "vitest";
import { clientOf, hosting, settled } from "../test/hosting.ts";
import { telemetry, traceparent } from "../test/telemetry.ts";
import { otel } from "./otel.ts";

const never = new Promise<never>(() => {});
const hangs = defineAgent({ name: "hangs", run: (ctx) => ctx.tools.call("hang") });
const silent = pino({ level: "silent" });

test("a span ends once, however its job ends and whatever hangs", async () => {
  const store = memoryStore();
  const rig = await hosting({ agents: [hangs], store, tools: { hang: () => never } });
  const { client, clock, runtime } = rig;
  const lease = { "tool.call": ["hang"] };
  const submit = async (options: object = {}) => {
    const job = await client.submit("hangs", null, { lease, ...options });
    await settled();
    return job;
  };
  const cancelled = await submit();
  await cancelled.cancel("enough");
  await settled();
  clock.advance(60_000);
  await cancelled.result().catch(() => {});

  await submit({ maxRuntimeSec: 5 });
  clock.advance(5000);
  await settled();

  const { append } = store.logs;
  const lost = await submit();
  store.logs.append = async (batches) => batches.map(() => "fenced");
  await runtime.jobs.cancel(lost.id);
  await settled();
  clock.advance(60_000);
  await settled();
  store.logs.append = append;

  const { insert } = store.jobs;
  store.jobs.insert = () => Promise.reject(new Error("disk full"));
  await expect(submit()).rejects.toThrow();
  store.jobs.insert = insert;

  await submit();
  await client.close();
  await runtime.close();
  await settled();
  const jobs = rig.spans().filter(({ name }) => name === "job hangs");
  expect(
    jobs.map(({ attributes, status, events }) => [
      attributes["arcp.job.status"],
      attributes["error.type"],
      SpanStatusCode[status.code],
      ...events.map(
        ({ name, attributes: of }) => `${name} ${of?.["arcp.cancel.reason"] ?? of?.["error.type"]}`,
      ),
    ]),
  ).toEqual([
    ["cancelled", "CANCELLED", "UNSET", "arcp.cancel enough"],
    ["timed_out", "TIMEOUT", "ERROR"],
    ["lost", undefined, "ERROR", "arcp.cancel undefined"],
    ["refused", "INTERNAL_ERROR", "ERROR"],
    ["cancelled", "CANCELLED", "UNSET", "arcp.cancel the runtime shuts down"],
  ]);
  const tools = rig.spans().filter(({ name }) => name === "tool.call hang");
  expect(tools.map(({ attributes }) => attributes["error.type"])).toEqual(
    Array(4).fill("CANCELLED"),
  );
  // A job that was refused has nothing to measure.
  const measured = await rig.metric("arcp.job.duration");
  expect(measured.map(({ attributes }) => attributes["arcp.job.status"])).toEqual([
    "cancelled",
    "timed_out",
    "lost",
  ]);
  expect(rig.open()).toEqual([]);
  expect(rig.complaints).toEqual([]);
});

test("a span ends whatever is thrown inside it", async () => {
  class Unreadable extends Error {
    override get message(): string {
      throw new Error("there is none");
    }
  }
  const named = (name: unknown) =>
    Object.defineProperty(new Error("mine"), "name", { get: () => name });
  const nameless = Object.defineProperty(new Error(), "name", {
    get(): string {
      throw new Error("there is none");
    },
  });
  const thrown = [
    "a text",
    { code: 5 },
    named("Mine"),
    Object.create(null),
    new Unreadable(),
    nameless,
    named(Symbol("mine")),
  ];
  const agent = defineAgent({
    name: "thrower",
    async run(ctx, index: number) {
      const ask = () => Promise.reject(thrown[index]);
      await ctx.model("m", { prices: {} }).call(ask);
    },
  });
  await using rig = await hosting({ agents: [agent] });
  for (const index of thrown.keys()) {
    const job = await rig.client.submit("thrower", index, { lease: { "model.use": ["m"] } });
    await expect(job.result()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  }
  await settled();
  const said = (name: string) =>
    rig.spans().flatMap((span) => (span.name === name ? span.status : []));
  const unsaid = Array(4).fill("what was thrown cannot be converted to text");
  expect(said("model.use m").map(({ message }) => message)).toEqual([
    "a text",
    "[object Object]",
    "mine",
    ...unsaid,
  ]);
  expect(said("job thrower").map(({ code }) => code)).toEqual(
    Array(thrown.length).fill(SpanStatusCode.ERROR),
  );
  const counted = await rig.metric("arcp.operations");
  expect(counted.map(({ value, attributes }) => [attributes["error.type"], value])).toEqual([
    ["_OTHER", thrown.length - 1],
    ["Mine", 1],
  ]);
  expect(rig.open()).toEqual([]);
  expect(rig.complaints).toEqual([]);
});

test("a tracer that throws fails no job", async () => {
  const tracer: Tracer = {
    startSpan: () => {
      throw new Error("no span today");
    },
    startActiveSpan: () => {
      throw new Error("no span today");
    },
  };
  const { meter } = telemetry();
  const agent = defineAgent({ name: "a", run: async (ctx) => ctx.trace.traceId });
  await using rig = await hosting({ agents: [agent], observer: otel({ tracer, meter }) });
  const job = await rig.client.submit("a");
  expect(await job.result()).toMatch(/^[0-9a-f]{32}$/);
});

test("a meter that throws leaves no span open, and a span that does not end loses no measurement", async () => {
  const fail = () => {
    throw new Error("not today");
  };
  const agents = [defineAgent({ name: "asks", run: (ctx) => ctx.tools.call("tell") })];
  const options = { agents, tools: { tell: () => "told" } };
  const lease = { "tool.call": ["tell"] };

  const told = telemetry();
  const { createCounter, createHistogram } = told.meter;
  const meter = Object.assign(Object.create(told.meter), {
    createCounter: (name: string) => ({ ...createCounter.call(told.meter, name), add: fail }),
    createHistogram: (name: string) => ({
      ...createHistogram.call(told.meter, name),
      record: fail,
    }),
  });
  await using unmeasured = await hosting({
    ...options,
    observer: otel({ tracer: told.tracer, meter }),
  });
  await (await unmeasured.client.submit("asks", null, { lease })).result();
  await settled();
  expect(told.spans().map(({ name }) => name)).toEqual(["tool.call tell", "job asks"]);
  expect(told.open()).toEqual([]);

  const nothing = async () => {};
  const processor = { onStart() {}, onEnd: fail, forceFlush: nothing, shutdown: nothing };
  const provider = new TracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer("test");
  await using unseen = await hosting({ ...options, observer: otel({ tracer, meter: told.meter }) });
  await (await unseen.client.submit("asks", null, { lease })).result();
  await settled();
  expect(await told.metric("arcp.job.duration")).toMatchObject([{ value: { count: 1 } }]);
  expect(await told.metric("arcp.operations")).toMatchObject([{ value: 1 }]);
});

test("without an SDK, jobs run and pass on the trace that they were given", async () => {
  const agent = defineAgent({ name: "a", run: async (ctx) => ctx.trace.traceparent });
  await using rig = await hosting({ agents: [agent], observer: otel() });
  const given = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
  const job = await rig.client.submit("a", null, { traceContext: given });
  expect(await job.result()).toBe(given.traceparent);
  const other = await rig.client.submit("a");
  expect(await other.result()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test("an attempt after a restart links to the first one, in the same trace", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "arcp-otel-"));
  const told = telemetry();
  let finish = false;
  const agent = defineAgent({
    name: "long",
    attempts: 3,
    run: (ctx) => (finish ? Promise.resolve(ctx.attempt) : never),
  });
  const start = () =>
    createRuntime({
      agents: [agent],
      auth: allowAnonymous(),
      store: sqliteStore(join(folder.path, "arcp.db")),
      observer: otel({ tracer: told.tracer, meter: told.meter }),
      logger: silent,
    });
  const given = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
  for (const traceContext of [given, undefined]) {
    finish = false;
    const before = told.spans().length;
    const first = start();
    const client = await clientOf(first);
    const { id } = await client.submit("long", null, traceContext && { traceContext });
    await client.close();
    await first.close();
    finish = true;
    await using second = start();
    await using again = await clientOf(second);
    const job = await again.job(id);
    expect(await job.result()).toBe(2);
    await settled();
    const [one, two] = told.spans().slice(before);
    expect(one?.attributes["arcp.job.status"]).toBe("suspended");
    expect(one?.status.code).toBe(SpanStatusCode.UNSET);
    expect(two?.attributes).toMatchObject({ "arcp.job.status": "success", "arcp.job.attempt": 2 });
    expect(two?.links.map(({ context }) => traceparent(context))).toEqual([
      one && traceparent(one.spanContext()),
    ]);
    expect(two?.spanContext().traceId).toBe(one?.spanContext().traceId);
    const given = traceContext && "b".repeat(16);
    expect(one?.parentSpanContext?.spanId).toBe(given);
    expect(two?.parentSpanContext?.spanId).toBe(given ?? one?.spanContext().spanId);
    expect(one?.links).toEqual([]);
  }
  const measured = await told.metric("arcp.job.duration");
  expect(measured.map(({ attributes }) => attributes["arcp.job.status"])).toEqual(["success"]);
});
