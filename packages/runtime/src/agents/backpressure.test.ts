import { ArcpError, LocalError } from "@arcp/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { BackpressureError } from "../jobs/backpressure-error.ts";
import { defineAgent } from "./agent.ts";
import type { AgentContext } from "./context.ts";

const BOUND = 4096;

/** Rejections of the runtime's promises that nobody caught. */
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  process.on("unhandledRejection", note);
});
afterEach(async () => {
  await settled();
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

async function flooding(options: Parameters<typeof hosting>[0] = {}) {
  const host = hosting(options);
  const viewer = new Viewer(host.runtime);
  await viewer.hello([...ALL_FEATURES, "model.use"]);
  const begin = async (lease_request: object = {}): Promise<LedJob> => {
    const job = await host.start(viewer, { lease_request });
    await settled();
    return job;
  };
  return { ...host, viewer, begin };
}

const thrownBy = (call: () => unknown): BackpressureError => {
  try {
    call();
  } catch (error) {
    if (error instanceof BackpressureError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

/** Emits without awaiting until a call throws. @returns how many were accepted, and what was thrown */
function fill({ log }: AgentContext, word = "event"): [accepted: number, error: BackpressureError] {
  let accepted = 0;
  const error = thrownBy(() => {
    for (;;) {
      void log.info(`${word} ${accepted + 1}`);
      accepted += 1;
    }
  });
  return [accepted, error];
}

const eventsOf = (viewer: Viewer, job: string): readonly Frame[] =>
  viewer.stream.filter(({ job_id }) => job_id === job);
const messagesOf = (viewer: Viewer, job: string): string[] =>
  eventsOf(viewer, job)
    .filter(({ payload }) => payload.kind === "log")
    .map(({ payload }) => payload.body.message);

describe.each([["at once"], ["much later"]])("a store that takes records %s", (when) => {
  test("exactly 4,096 events can wait; the next one throws at once, and nothing of it is accepted", async () => {
    const { viewer, store, begin } = await flooding();
    const { id, ctx, end } = await begin();
    if (when === "much later") store.held.logs.hold();
    const [accepted, error] = fill(ctx);
    expect(accepted).toBe(BOUND);
    expect(error).toBeInstanceOf(LocalError);
    expect(error).toMatchObject({ name: "BackpressureError", code: "BACKPRESSURE" });
    expect(error).toMatchObject({ waiting: BOUND, retryable: true });
    let asked = false;
    const body = {
      toJSON() {
        asked = true;
      },
    };
    expect(() => ctx.log.info("one too many", body)).toThrow(BackpressureError);
    expect(asked).toBe(false);
    await settled();
    await store.held.logs.open();
    await error.relieved;
    void ctx.log.info("the next one");
    end();
    await viewer.terminal(id);
    const all = eventsOf(viewer, id);
    expect(all.map(({ job_seq }) => job_seq)).toEqual(dense(BOUND + 3));
    expect(messagesOf(viewer, id)).toEqual([
      ...dense(BOUND).map((n) => `event ${n}`),
      "the next one",
    ]);
  });

  test("an agent that awaits relief goes on, and everything arrives once and in order", async () => {
    const { viewer, store, begin } = await flooding();
    const { append } = store.logs;
    if (when === "much later") {
      store.logs.append = async (batches) => {
        await settled(30);
        return append(batches);
      };
    }
    const { id, ctx, end } = await begin();
    let met = 0;
    for (let i = 1; i <= 10_000; ) {
      try {
        void ctx.log.info(`${i}`);
        i += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(BackpressureError);
        met += 1;
        await (error as BackpressureError).relieved;
      }
    }
    end();
    await viewer.terminal(id);
    expect(met).toBeGreaterThanOrEqual(2);
    expect(messagesOf(viewer, id)).toEqual(dense(10_000).map(String));
    expect(viewer.seqs).toEqual(dense(10_002));
  });
});

test("an agent that does not catch the error ends with INTERNAL_ERROR, and nobody else notices", async () => {
  const heedless = defineAgent({ name: "heedless", run: (ctx) => void fill(ctx).map(rethrown) });
  const { viewer, runtime, begin } = await flooding({ agents: [heedless] });
  const beside = await begin();
  const subscriber = new Viewer(runtime);
  await subscriber.hello();
  const stranger = new Viewer(runtime);
  await stranger.hello(undefined, "other");
  const { job_id = "" } = await viewer.submit("heedless");
  await subscriber.reply(subscriber.send("job.subscribe", { job_id, history: true }, { job_id }));
  const ping = stranger.send("session.ping", { nonce: "n", sent_at: new Date(0).toISOString() });
  await beside.ctx.log.info("undisturbed");
  for (const watching of [viewer, subscriber]) {
    const { payload } = await watching.terminal(job_id);
    expect(payload).toMatchObject({ final_status: "error", code: "INTERNAL_ERROR" });
    expect(JSON.stringify(payload)).not.toContain("await");
    expect(eventsOf(watching, job_id).map(({ job_seq }) => job_seq)).toEqual(dense(BOUND + 1));
  }
  await stranger.find(({ type, payload }) => type === "session.pong" && payload.ping_nonce === "n");
  expect(ping).toBeDefined();
  expect(stranger.stream).toEqual([]);
  beside.end("well");
  expect((await viewer.terminal(beside.id)).payload.result).toBe("well");
  expect(messagesOf(viewer, beside.id)).toEqual(["undisturbed"]);
});

const rethrown = (given: unknown): void => {
  if (given instanceof Error) throw given;
};

test("R-9.6-3: above the bound no call has any effect: no tool runs, no model is called, no money is spent", async () => {
  let ran = 0;
  const { viewer, store, begun, begin } = await flooding({
    tools: { bill: () => ++ran },
    models: { gpt: { input: { USD: "100000" } } },
  });
  const { id, ctx, end } = await begin({
    "tool.call": ["bill"],
    "agent.delegate": ["led"],
    "model.use": ["gpt"],
    "cost.budget": ["USD:1"],
  });
  const permit = ctx.model("gpt");
  store.held.logs.hold();
  const [, error] = fill(ctx);
  const calls: Array<() => unknown> = [
    () => ctx.metric({ name: "cost.model", value: 0.5, unit: "USD" }),
    () => ctx.metric({ name: "tokens", value: 1 }),
    () => ctx.progress({ current: 1 }),
    () => ctx.thought("hm"),
    () => ctx.status("thinking"),
    () => ctx.artifact({ uri: "https://a.test/1", content_type: "text/plain" }),
    () => ctx.emit("x-vendor.acme.note", {}),
    () => ctx.tools.call("bill"),
    () => ctx.tools.call("unknown"),
    () => ctx.delegate("led"),
    () => ctx.delegate("unknown"),
    () => ctx.spend.reserve({ USD: "0.5" }),
    () =>
      permit.call(
        () => ++ran,
        () => ({ input: 1 }),
      ),
  ];
  for (const call of calls) expect(call, `${call}`).toThrow(BackpressureError);
  await settled();
  expect(ran).toBe(0);
  expect(begun.size).toBe(1);
  expect(await store.jobs.list({ limit: 9 })).toHaveLength(1);
  expect(ctx.budget.remaining()).toEqual({ USD: "1" });
  expect(ctx.budget.available()).toEqual({ USD: "1" });
  await store.held.logs.open();
  await error.relieved;
  // The same calls, now that there is room.
  await ctx.metric({ name: "cost.model", value: 0.5, unit: "USD" });
  expect(await ctx.tools.call("bill")).toBe(1);
  expect(ctx.budget.remaining()).toEqual({ USD: "0.5" });
  end();
  await viewer.terminal(id);
  const kinds = eventsOf(viewer, id).map(({ payload }) => payload.kind);
  expect(kinds.slice(BOUND + 1, -1)).toEqual(["metric", "metric", "tool_call", "tool_result"]);
});

test("a tool result, a settlement, a remaining budget and an end that were in flight may exceed the bound", async () => {
  const tool = Promise.withResolvers<string>();
  const { viewer, store, begin } = await flooding({ tools: { slow: () => tool.promise } });
  const { id, ctx, end } = await begin({ "tool.call": ["slow"], "cost.budget": ["USD:1"] });
  const called = ctx.tools.call("slow");
  const cost = ctx.spend.reserve({ USD: "0.5" });
  await ctx.flush();
  store.held.logs.hold();
  fill(ctx);
  tool.resolve("done");
  void cost.settle();
  await settled();
  expect(ctx.budget.remaining()).toEqual({ USD: "0.5" });
  end("over");
  await settled();
  await store.held.logs.open();
  expect(await called).toBe("done");
  expect((await viewer.terminal(id)).payload.result).toBe("over");
  const last = eventsOf(viewer, id).slice(-4);
  expect(last.map(({ payload: { kind, body } }) => body?.name ?? kind)).toEqual([
    "cost.spend",
    "cost.budget.remaining",
    "tool_result",
    undefined,
  ]);
  expect(eventsOf(viewer, id).map(({ job_seq }) => job_seq)).toEqual(dense(BOUND + 6));
});

test("R-9.3-3: a tool that fails beside a flood has its error on the stream, and its caller that very error", async () => {
  const tool = Promise.withResolvers<string>();
  const { viewer, store, begin } = await flooding({ tools: { slow: () => tool.promise } });
  const { id, ctx, end } = await begin({ "tool.call": ["slow"] });
  const called = ctx.tools.call("slow");
  await ctx.flush();
  store.held.logs.hold();
  fill(ctx);
  const error = new ArcpError("TIMEOUT", "too slow");
  const failed = expect(called).rejects.toBe(error);
  tool.reject(error);
  await settled();
  await store.held.logs.open();
  await failed;
  end("over");
  await viewer.terminal(id);
  const [result] = eventsOf(viewer, id).filter(({ payload }) => payload.kind === "tool_result");
  expect(result?.payload.body).toMatchObject({ error: { code: "TIMEOUT" } });
});

test("R-8.4-1: a result written during a flood waits for room, and has no gap", async () => {
  const { viewer, store, begin } = await flooding();
  const { id, ctx, end } = await begin();
  store.held.logs.hold();
  fill(ctx);
  let written = 0;
  for (const piece of ["one ", "two ", "three"]) {
    void ctx.result.write(piece).then(() => {
      written += 1;
    });
  }
  await settled();
  expect(written).toBe(0);
  await store.held.logs.open();
  await ctx.flush();
  end();
  expect((await viewer.terminal(id)).type).toBe("job.result");
  const chunks = eventsOf(viewer, id).filter(({ payload }) => payload.kind === "result_chunk");
  expect(chunks.map(({ payload }) => payload.body.data).join("")).toBe("one two three");
});

test("pieces of a result, checkpoints and delegations are bounded as events are", async () => {
  const { viewer, store, begin } = await flooding();
  const { id, ctx, end } = await begin({ "agent.delegate": ["none"] });
  store.held.logs.hold();
  void ctx.log.info("not durable, so neither is what follows");
  const calls: Array<() => unknown> = [
    () => ctx.result.write("x"),
    () => ctx.checkpoint("x"),
    () => ctx.delegate("none"),
  ];
  const errors = calls.map((call) => {
    let accepted = 0;
    const error = thrownBy(() => {
      for (;;) {
        void call();
        accepted += 1;
      }
    });
    expect(accepted).toBe(BOUND);
    expect(error.waiting).toBe(BOUND);
    return error;
  });
  await store.held.logs.open();
  await Promise.all(errors.map(({ relieved }) => relieved));
  for (const call of calls.slice(0, 2)) await call();
  end();
  const { payload } = await viewer.terminal(id);
  expect(payload.result_size).toBe(BOUND + 1);
  expect(await store.jobs.get(id)).toMatchObject({ status: "success" });
});

describe("given promises never cause an unhandled rejection, with thousands of them pending", () => {
  /** A job in which everything waits that can. */
  async function crowded() {
    const rig = await flooding({ tools: { bill: () => "billed" } });
    const job = await rig.begin({
      "tool.call": ["bill"],
      "agent.delegate": ["led"],
      "cost.budget": ["USD:1"],
    });
    rig.store.held.logs.hold();
    const { ctx } = job;
    const given: Array<Promise<unknown>> = [];
    for (let i = 0; i < 500; i++) {
      given.push(ctx.tools.call("bill"), ctx.checkpoint(i), ctx.flush(), ctx.result.write("x"));
      given.push(ctx.delegate("none"), ctx.fs.readText("/etc/passwd"));
      given.push(ctx.metric({ name: "cost.model", value: 0.001, unit: "USD" }));
    }
    thrownBy(() => {
      for (;;) given.push(ctx.log.info("more"));
    });
    expect(given.length).toBeGreaterThan(BOUND);
    // Nobody looks at the promises before all is over.
    return { ...rig, job, ctx, given };
  }

  /** Lets all pauses between attempts to store something pass. */
  async function exhaust({ advance }: { advance: (ms: number) => void }): Promise<void> {
    for (const pause of [20, 100, 500, 2000]) {
      await settled();
      advance(pause);
    }
    await settled();
  }

  test("when the job is cancelled", async () => {
    const { viewer, store, job, ctx, clock, given } = await crowded();
    await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
    expect(ctx.signal.aborted).toBe(true);
    clock.advance(30_000);
    await settled();
    await store.held.logs.open();
    expect((await viewer.terminal(job.id)).payload.final_status).toBe("cancelled");
    job.end();
    await settled();
    await Promise.allSettled(given);
  });

  test("when its agent fails", async () => {
    const { viewer, store, job, given } = await crowded();
    job.fail(new Error("no"));
    await settled();
    await store.held.logs.open();
    expect((await viewer.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
    await Promise.allSettled(given);
  });

  test("when the store fails for good", async () => {
    const { store, job, ctx, clock, given } = await crowded();
    store.logs.append = () => Promise.reject(new Error("disk full"));
    await store.held.logs.open();
    await settled();
    await exhaust({ advance: (ms) => clock.advance(ms) });
    expect(ctx.signal.aborted).toBe(true);
    await expect(ctx.flush()).rejects.toThrow();
    // The job is over: nothing more is thrown at it.
    for (let i = 0; i < 2 * BOUND; i++) void ctx.log.info("late");
    job.end();
    await Promise.allSettled(given);
  });

  test("when another writer takes over its log", async () => {
    const { store, job, ctx, given } = await crowded();
    store.logs.append = async (batches) => batches.map(() => "fenced");
    await store.held.logs.open();
    await settled();
    expect(ctx.signal.aborted).toBe(true);
    job.fail(new Error("stopped"));
    await Promise.allSettled(given);
  });

  test("when the runtime closes", async () => {
    const { runtime, store, job, viewer, given } = await crowded();
    const closed = runtime.close();
    await settled();
    await store.held.logs.open();
    await closed;
    job.end();
    await viewer.ended;
    await Promise.allSettled(given);
  });
});

test("J4: of many jobs at the bound one goes on in each turn, and others are answered in between", async () => {
  const JOBS = 6;
  const { runtime, begin } = await flooding();
  const jobs: LedJob[] = [];
  for (let i = 0; i < JOBS; i++) jobs.push(await begin());
  const other = new Viewer(runtime);
  await other.hello(undefined, "other");
  const emitted = jobs.map(() => 0);
  let running = JOBS;
  const flood = async ({ ctx }: LedJob, index: number): Promise<void> => {
    for (let left = 4 * BOUND; left > 0; ) {
      try {
        void ctx.log.info("x");
        emitted[index] = (emitted[index] ?? 0) + 1;
        left -= 1;
      } catch (error) {
        await (error as BackpressureError).relieved;
      }
    }
    running -= 1;
  };
  const floods = jobs.map(flood);
  let turns = 0;
  for (let before = [...emitted]; running > 0; before = [...emitted], turns++) {
    const nonce = `${turns}`;
    other.send("session.ping", { nonce, sent_at: new Date(0).toISOString() });
    await settled(1);
    const grown = emitted.map((count, i) => count - (before[i] ?? 0));
    expect(grown.filter((count) => count > 0).length).toBeLessThanOrEqual(1);
    expect(Math.max(...grown)).toBeLessThanOrEqual(BOUND);
  }
  await Promise.all(floods);
  await settled();
  const pongs = other.frames.filter(({ type }) => type === "session.pong");
  expect(pongs).toHaveLength(turns);
  for (const { end } of jobs) end();
});

test("R-10-6: a child that floods holds up only itself, and its parent's counters are still reported", async () => {
  const { viewer, store, begun, begin } = await flooding();
  const parent = await begin({ "agent.delegate": ["led"], "cost.budget": ["USD:1"] });
  const child = await parent.ctx.delegate("led", null, { lease: { "cost.budget": ["USD:1"] } });
  const its = await begun.get(child.id)?.promise;
  if (its === undefined) throw new Error("it did not begin");
  await settled();
  store.held.logs.hold();
  void its.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  // The parent's log is full when its child's costs are to be reported there.
  fill(parent.ctx);
  void its.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  const [accepted] = fill(its.ctx);
  // Its costs, and what remains, are events of its own; what remains may exceed the bound.
  expect(accepted).toBe(BOUND - 4);
  expect(() => its.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" })).toThrow();
  expect(parent.ctx.budget.remaining()).toEqual({ USD: "0.5" });
  parent.end("over");
  await settled();
  await store.held.logs.open();
  expect((await viewer.terminal(parent.id)).payload.result).toBe("over");
  expect((await viewer.terminal(child.id)).payload.final_status).toBe("cancelled");
  for (const { id } of [parent, child]) {
    const all = eventsOf(viewer, id);
    expect(all.map(({ job_seq }) => job_seq)).toEqual(dense(all.length));
    const left = all.filter(({ payload }) => payload.body?.name === "cost.budget.remaining");
    expect(left.map(({ payload }) => payload.body.value)).toEqual([0.75, 0.5]);
  }
});
