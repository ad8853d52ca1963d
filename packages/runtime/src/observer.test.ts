import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { ArcpError, TRACE_CONTEXT } from "@arcp/core";
import { expect, test } from "vitest";
import { chronicle, spanId } from "../test/chronicle.ts";
import { FakeUpstream } from "../test/fake-upstream.ts";
import { Gate, settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { site } from "../test/site.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { ToolCall } from "./agents/tool.ts";

const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const BROUGHT = { traceparent: `00-${ID}-00f067aa0ba902b7-00`, tracestate: "acme=1" };
const REMOTE = { extensions: { [TRACE_CONTEXT]: BROUGHT } };

async function observed(options: Parameters<typeof hosting>[0] = {}) {
  const told = chronicle();
  const rig = hosting({ observer: told.observer, ...options });
  const viewer = new Viewer(rig.runtime);
  await viewer.hello([...ALL_FEATURES, "model.use", "ack"]);
  return { ...rig, told, viewer };
}

/** Ends whatever began, and returns how each attempt ended. */
const endings = ({ jobs }: ReturnType<typeof chronicle>) =>
  jobs.map(({ outcomes }) => outcomes.map(({ status, error }) => error?.code ?? status).join());

test("an observer is told of a job, its operations and its end", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "arcp-observer-"));
  await writeFile(join(folder.path, "a.txt"), "a");
  const { told, viewer, start, clock } = await observed({
    workspace: folder.path,
    tools: { sum: () => 3, broken: () => Promise.reject(new Error("no luck")) },
    models: { "acme/small": { input: { USD: "0.25" } } },
  });
  const job = await start(viewer, {
    lease_request: {
      "tool.call": ["sum", "broken"],
      "fs.read": ["**"],
      "model.use": ["acme/*"],
      "cost.budget": ["USD:1.00"],
      "x-vendor.acme.deploy": ["staging"],
    },
  });
  const { attempt, operations, calls } = told.job;
  expect(attempt).toMatchObject({
    id: job.id,
    agent: "led",
    principal: "alice",
    attempt: 1,
    acceptedAt: clock.now(),
    lease: { "tool.call": ["sum", "broken"] },
    remaining: { USD: "1" },
    session: viewer.frames[0]?.session_id,
    trace: undefined,
    firstAttempt: undefined,
  });
  const { ctx } = job;
  await { ...ctx }.tools.call("sum");
  await ctx.tools.call("broken").catch(() => {});
  await ctx.tools.call("other").catch(() => {});
  await ctx.fs.readText("a.txt");
  await ctx.fs.stat("missing.txt").catch(() => {});
  ctx.authorize("x-vendor.acme.deploy", "staging");
  expect(() => ctx.authorize("x-vendor.acme.deploy", "production")).toThrow();
  const usage = { input: 1_000_000 };
  await ctx.model("acme/small").call(
    async () => "hello",
    () => usage,
  );
  expect(() => ctx.model("other/large")).toThrow();
  const held = ctx.spend.reserve({ USD: "0.10" });
  await held.settle();
  expect(() => ctx.spend.reserve({ USD: "9" })).toThrow();
  await ctx.delegate("led").catch(() => {});
  await ctx.metric({ name: "cost.other", value: 0.5, unit: "EUR" });
  clock.advance(1500);
  job.end("done");
  await viewer.terminal(job.id);
  expect(
    operations.map(({ operation: { name, target }, outcomes }) => [
      name,
      target,
      ...outcomes.map(({ code, error }) => code ?? (error instanceof Error ? "failed" : "done")),
    ]),
  ).toEqual([
    ["tool.call", "sum", "done"],
    ["tool.call", "broken", "INTERNAL_ERROR"],
    ["tool.call", "other", "PERMISSION_DENIED"],
    ["fs.read", "a.txt", "done"],
    ["fs.stat", "missing.txt", "failed"],
    ["x-vendor.acme.deploy", "staging", "done"],
    ["x-vendor.acme.deploy", "production", "PERMISSION_DENIED"],
    ["model.use", "acme/small", "done"],
    ["model.use", "other/large", "PERMISSION_DENIED"],
    ["spend.reserve", "USD", "BUDGET_EXHAUSTED"],
    ["agent.delegate", "led", "PERMISSION_DENIED"],
  ]);
  expect(operations[0]?.operation.remaining).toEqual({ USD: "1" });
  expect(operations.at(-1)?.operation.remaining).toEqual({ USD: "0.65" });
  expect(calls).toEqual(["spent 0.25 USD", "spent 0.1 USD", "spent 0.5 EUR"]);
  expect(told.job.outcomes).toEqual([
    { status: "success", remaining: { USD: "0.65" }, endedAt: clock.now() },
  ]);
});

test("O2: after a job's end its observer is told of what outlasts it, each cost once, until the runtime closes", async () => {
  const { told, viewer, start, runtime } = await observed({
    models: { "acme/small": { input: { USD: "1" } } },
  });
  const job = await start(viewer, { lease_request: { "model.use": ["acme/*"] } });
  const answer = Promise.withResolvers<void>();
  const call = job.ctx.model("acme/small").call(
    () => answer.promise,
    () => ({ input: 250_000 }),
  );
  const cost = job.ctx.spend.reserve({ USD: "0.1" });
  await job.ctx.metric({ name: "cost.other", value: 0.5, unit: "EUR" });
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  expect(told.job.outcomes).toHaveLength(1);
  answer.resolve();
  await call;
  await cost.settle();
  await cost.settle();
  const all = ["spent 0.5 EUR", "spent 0.25 USD", "spent 0.1 USD"];
  expect(told.job.calls).toEqual(all);
  await runtime.close();
  await job.ctx.metric({ name: "cost.other", value: 1, unit: "EUR" });
  expect(told.job.calls).toEqual(all);
});

test("O2: every attempt ends once for its observer, whatever ends it", async () => {
  const { told, viewer, start, clock, store, runtime } = await observed();
  const failing = await start(viewer);
  failing.fail(new Error("the key is sk-1"));
  await viewer.terminal(failing.id);
  const refusing = await start(viewer);
  refusing.fail(new ArcpError("AGENT_NOT_AVAILABLE", "nobody there"));
  await viewer.terminal(refusing.id);
  const cancelled = await start(viewer);
  viewer.send("job.cancel", { job_id: cancelled.id, reason: "enough" }, { job_id: cancelled.id });
  await settled();
  cancelled.end("too late");
  await viewer.terminal(cancelled.id);
  const slow = await start(viewer, { max_runtime_sec: 5 });
  clock.advance(5000);
  await viewer.terminal(slow.id);
  slow.end("too late");
  const unheard = await start(viewer);
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => batches.map(() => "fenced");
  await unheard.ctx.log.info("nobody will read this");
  await settled();
  unheard.end("too late");
  store.logs.append = append;
  // Its owner was sent away.
  const again = new Viewer(runtime);
  await again.hello();
  const { insert } = store.jobs;
  store.jobs.insert = async () => {
    throw new Error("disk full");
  };
  expect((await again.submit("led")).payload.code).toBe("INTERNAL_ERROR");
  store.jobs.insert = insert;
  const last = await start(again);
  await runtime.close();
  last.end("too late");
  await settled();
  expect(endings(told)).toEqual([
    "INTERNAL_ERROR",
    "AGENT_NOT_AVAILABLE",
    "CANCELLED",
    "TIMEOUT",
    "lost",
    "INTERNAL_ERROR",
    "CANCELLED",
  ]);
  expect(told.jobs.map(({ outcomes }) => outcomes[0]?.status)).toEqual(
    expect.arrayContaining(["error", "cancelled", "timed_out", "lost", "refused"]),
  );
  expect(told.jobs.map(({ failures }) => failures.length)).toEqual([1, 0, 0, 0, 0, 0, 0]);
  expect(told.jobs[2]?.calls).toEqual(["cancelling enough"]);
  expect(told.closed()).toBe(1);
});

test("O2: operations still running when their job or runtime ends are ended with it, once", async () => {
  const late = Promise.withResolvers<void>();
  const { told, viewer, start, store, runtime, clock } = await observed({
    tools: { late: () => late.promise },
  });
  const lease = { lease_request: { "tool.call": ["*"] } };
  const first = await start(viewer, lease);
  void first.ctx.tools.call("late");
  await settled();
  first.end("done");
  await viewer.terminal(first.id);
  // An agent that goes on after its end does not matter.
  await expect(first.ctx.tools.call("late")).rejects.toMatchObject({ code: "CANCELLED" });
  expect(told.job.operations.map(({ outcomes }) => outcomes)).toMatchObject([
    [{ code: "CANCELLED" }],
  ]);
  const second = await start(viewer, lease);
  void second.ctx.tools.call("late");
  await settled();
  // The store accepts no ending any more, and the runtime still closes.
  store.held.logs.hold();
  const closing = runtime.close();
  for (let step = 0; step < 20; step++) {
    clock.advance(5000);
    await settled();
  }
  await closing;
  await store.held.logs.open();
  late.resolve();
  await settled();
  expect(told.job.operations[0]?.outcomes).toHaveLength(1);
  expect(told.jobs[1]?.operations[0]?.outcomes).toHaveLength(1);
  expect(endings(told)).toEqual(["success", "lost"]);
});

test("R-11-5: tools, services and delegated jobs get the observer's version of the trace", async () => {
  await using there = await site({ "/from": [302, "/to"] });
  const traces: unknown[] = [];
  const { told, viewer, start } = await observed({
    tools: { trace: (_: unknown, { trace }: ToolCall) => void traces.push(trace) },
    agents: [defineAgent({ name: "child", run: async (ctx) => ctx.trace })],
  });
  const lease = {
    "tool.call": ["trace"],
    "net.fetch": [`${there.origin}/**`],
    "agent.delegate": ["child"],
  };
  const { payload } = await viewer.reply(
    viewer.send("job.submit", { agent: "child", input: null }, REMOTE),
  );
  const top = (await viewer.terminal(payload.job_id)).payload.result;
  expect(told.job.attempt.trace).toEqual(BROUGHT);
  expect(top).toEqual({ traceId: ID, traceparent: `00-${ID}-${spanId(1)}-01` });

  const own = "a".repeat(32);
  const { ctx, id } = await start(viewer, { lease_request: lease });
  expect(told.jobs[1]?.attempt.trace).toBeUndefined();
  expect(ctx.trace).toEqual({ traceId: own, traceparent: `00-${own}-${spanId(2)}-01` });
  expect(ctx.job.traceId).toBe(own);
  await ctx.tools.call("trace");
  expect(traces).toEqual([{ traceId: own, traceparent: `00-${own}-${spanId(3)}-01` }]);
  // What one of them wrote there would reach everyone who is called after it.
  expect([ctx.trace, ...traces].every(Object.isFrozen)).toBe(true);
  await ctx.fetch(`${there.origin}/from`);
  await ctx.fetch(`${there.origin}/own`, { headers: { traceparent: "mine" } });
  expect(there.received.map(({ headers }) => headers["traceparent"])).toEqual([
    `00-${own}-${spanId(4)}-01`,
    `00-${own}-${spanId(4)}-01`,
    "mine",
  ]);
  expect(told.jobs[1]?.operations[1]).toMatchObject({
    operation: { name: "net.fetch", target: `${there.origin}/from`, method: "GET" },
    outcomes: [{ httpStatus: 200 }],
  });
  const child = await ctx.delegate("child");
  expect(told.jobs[2]?.attempt).toMatchObject({
    parent: id,
    trace: { traceparent: ctx.trace.traceparent },
  });
  expect(await child.result()).toMatchObject({ traceId: own });
});

test("R-11-5: services get the trace even without an observer", async () => {
  await using there = await site();
  const { runtime, begun } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const payload = { agent: "led", lease_request: { "net.fetch": [`${there.origin}/**`] } };
  const { job_id = "" } = await viewer.reply(viewer.send("job.submit", payload, REMOTE));
  const { ctx } = (await begun.get(job_id)?.promise) ?? {};
  await ctx?.fetch(`${there.origin}/a`);
  expect(there.received[0]?.headers).toMatchObject(BROUGHT);
  await runtime.close();
});

test("R-11-4: an observer cannot pass on an invalid trace, or one other than the job's", async () => {
  const foreign = { traceparent: `00-${"f".repeat(32)}-${spanId(1)}-01` };
  for (const trace of [foreign, { traceparent: "rubbish" }]) {
    const seen: unknown[] = [];
    const { viewer, begun } = await observed({
      observer: { job: () => ({ trace, operation: () => ({ trace: foreign }) }) },
      tools: { trace: (_: unknown, call: ToolCall) => void seen.push(call.trace) },
    });
    const payload = { agent: "led", lease_request: { "tool.call": ["*"] } };
    const accepted = await viewer.reply(viewer.send("job.submit", payload, REMOTE));
    const { ctx } = (await begun.get(accepted.job_id ?? "")?.promise) ?? {};
    expect(accepted.trace_id).toBe(ID);
    expect(ctx?.trace).toEqual({ traceId: ID, ...BROUGHT });
    await ctx?.tools.call("trace");
    expect(seen).toEqual([ctx?.trace]);
  }
});

test("a later attempt knows what was passed on in the first one, and has the same trace", async () => {
  const told = chronicle();
  const { start, submit, nextRun } = hosts({ observer: told.observer, led: { attempts: 3 } });
  const viewer = new Viewer(start());
  await viewer.hello();
  const { id, ctx } = await submit(viewer);
  const first = ctx.trace;
  for (const attempt of [2, 3]) {
    await settled();
    const run = nextRun();
    start();
    const again = await run;
    expect(told.jobs.at(-1)?.attempt).toMatchObject({
      id,
      attempt,
      trace: first,
      firstAttempt: first,
    });
    expect(again.ctx.trace.traceId).toBe(first.traceId);
    expect(again.ctx.trace).not.toEqual(first);
  }
});

test("R-11-3: the trace context that a submit brought stays the parent of every attempt", async () => {
  const told = chronicle();
  const { start, submit, nextRun } = hosts({ observer: told.observer, led: { attempts: 2 } });
  const viewer = new Viewer(start());
  await viewer.hello();
  const { ctx } = await submit(viewer, REMOTE);
  await settled();
  const run = nextRun();
  start();
  await run;
  expect(told.jobs.map(({ attempt }) => attempt)).toMatchObject([
    { attempt: 1, trace: BROUGHT, firstAttempt: undefined },
    { attempt: 2, trace: BROUGHT, firstAttempt: ctx.trace },
  ]);
  expect(ctx.trace).not.toMatchObject(BROUGHT);
});

test("what a dead process left behind ends for the observer of the next one", async () => {
  const told = chronicle();
  const { start, submit } = hosts({ observer: told.observer });
  const viewer = new Viewer(start());
  await viewer.hello(ALL_FEATURES);
  const lease_request = { "cost.budget": ["USD:1"] };
  const { id, ctx } = await submit(viewer, { lease_request });
  await ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
  await settled();
  const next = start();
  expect((await next.jobs.get(id))?.status).toBe("error");
  expect(endings(told)).toEqual(["", "INTERNAL_ERROR"]);
  expect(told.jobs[1]).toMatchObject({
    attempt: { id, attempt: 1, firstAttempt: ctx.trace, remaining: { USD: "0.75" } },
    outcomes: [{ status: "error", remaining: { USD: "0.75" } }],
  });
});

test("O2: what a store answers after the runtime's end begins nothing for the observer", async () => {
  const told = chronicle();
  const { start, submit, clock, store } = hosts({ observer: told.observer });
  const viewer = new Viewer(start());
  await viewer.hello();
  await submit(viewer);
  await settled();
  const gate = new Gate();
  gate.hold();
  const list = store.jobs.list.bind(store.jobs);
  store.jobs.list = (query) => gate.pass(() => list(query));
  const closed = start().close();
  for (let i = 0; i < 9; i++) {
    await settled();
    clock.advance(5000);
  }
  await closed;
  await gate.open();
  expect(told.jobs).toHaveLength(1);
});

test("a job left to the next process is suspended, not lost", async () => {
  const told = chronicle();
  const { start, submit } = hosts({ observer: told.observer, led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  await submit(viewer);
  await runtime.close();
  expect(endings(told)).toEqual(["suspended"]);
});

test("R-9.8-10: an observer never gets a credential's value", async () => {
  const told = chronicle();
  const upstream = new FakeUpstream();
  const quote = (args: unknown) => Promise.reject(new Error(`${args} was refused`));
  const { start, submit } = hosts({
    observer: told.observer,
    provisioners: { llm: upstream },
    tools: { quote },
  });
  const runtime = start();
  const viewer = new Viewer(runtime, { peer: { address: "127.0.0.1", loopback: true } });
  await viewer.hello(["provisioned_credentials"]);
  const { id, ctx, end } = await submit(viewer, { lease_request: { "tool.call": ["quote"] } });
  const [value = ""] = upstream.values;
  expect(ctx.credentials.get("llm")?.value).toBe(value);
  await ctx.tools.call("quote", value).catch(() => {});
  await ctx.tools.call(value).catch(() => {});
  const cut = "x".repeat(180) + value;
  await ctx.tools.call(cut).catch(() => {});
  await ctx.fetch(`https://llm.example/${value}?key=${value}`).catch(() => {});
  await ctx.fetch("https://llm.example/", { method: value }).catch(() => {});
  expect(() => ctx.authorize(`x-vendor.${value}`, value)).toThrow();
  expect(() => ctx.spend.reserve({ [value]: "1" })).toThrow();
  await ctx.metric({ name: "cost.other", value: 1, unit: value });
  await ctx.metric({ name: "cost.other", value: 1, unit: cut });
  viewer.send("job.cancel", { job_id: id, reason: `of ${value}` }, { job_id: id });
  await settled();
  end(Promise.reject(new Error(`stopped with ${value}`)));
  await viewer.terminal(id);
  expect(told.job.operations).toHaveLength(7);
  expect(told.job.calls).toEqual([
    "spent 1 [redacted]",
    `spent 1 ${"x".repeat(180)}[redacted]`,
    "cancelling of [redacted]",
  ]);
  expect(told.job.failures).toHaveLength(1);
  expect(inspect(told.job, { depth: 9 })).toContain("[redacted] was refused");
  expect(inspect(told.job, { depth: 9 })).not.toContain(value.slice(0, 8));
  expect(JSON.stringify(viewer.stream)).not.toContain(value.slice(0, 8));
  await runtime.close();
});

test("figures describe the current moment", async () => {
  const { told, viewer, start, store, runtime } = await observed({
    limits: { backPressureThreshold: 4 },
  });
  const job = await start(viewer);
  await settled();
  expect(told.figures()).toEqual({
    jobs: { pending: 0, running: 1 },
    sessions: { connected: 1, parked: 0 },
    laggingSessions: 0,
    greatestLag: 1,
    eventsWritten: 1,
    eventsWaiting: 0,
  });
  store.held.logs.hold();
  for (let i = 0; i < 9; i++) await job.ctx.log.info("one more");
  await settled();
  expect(told.figures()).toMatchObject({ eventsWritten: 1, eventsWaiting: 9 });
  await store.held.logs.open();
  await settled();
  expect(told.figures()).toMatchObject({ eventsWritten: 10, laggingSessions: 1 });
  expect(told.figures()?.greatestLag).toBeGreaterThan(4);
  viewer.sever();
  job.end("done");
  await settled();
  expect(told.figures()).toMatchObject({
    jobs: { pending: 0, running: 0 },
    sessions: { connected: 0, parked: 1 },
    eventsWritten: 11,
  });
  await runtime.close();
});
