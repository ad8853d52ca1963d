import { type JobId, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { AgentContext } from "../agents/context.ts";
import { tokenTable } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import { memoryStore } from "../store/memory-store.ts";

const ACKING = ["ack", ...ALL_FEATURES];
const limits = { backPressureThreshold: 10 };

const isNotice = ({ payload }: Frame) => payload.body?.phase === "back_pressure";
const noticesOf = (viewer: Viewer) => viewer.stream.filter(isNotice);
const ack = (viewer: Viewer, last_processed_seq: number) =>
  viewer.send("session.ack", { last_processed_seq });

/** Emits this many events, each in a batch of its own or all in one. */
async function say(ctx: AgentContext, count: number, apart = false): Promise<void> {
  for (let i = 0; i < count; i++) {
    void ctx.log.info(`${i}`);
    if (apart) await settled(4);
  }
  await ctx.flush();
  await settled();
}

test.each([
  ["one by one", true],
  ["in one batch", false],
])(
  "R-6.5-7: the notice follows the envelope that crossed the threshold (events come %s)",
  async (_way, apart) => {
    const { runtime, start } = hosting({ limits });
    const viewer = new Viewer(runtime);
    await viewer.hello(ACKING);
    const job = await start(viewer);
    await say(job.ctx, 30, apart);
    expect(viewer.seqs).toEqual(dense(32));
    const [notice] = noticesOf(viewer);
    expect(noticesOf(viewer)).toHaveLength(1);
    expect(notice).toMatchObject({ event_seq: 12, job_id: job.id, type: "job.event" });
    expect(notice).not.toHaveProperty("job_seq");
    expect((notice as { trace_id?: string }).trace_id).toBe(
      (viewer.stream[0] as { trace_id?: string }).trace_id,
    );
    // No record is missing or moved.
    const others = viewer.stream.filter((frame) => !isNotice(frame));
    expect(others.map(({ job_seq }) => job_seq)).toEqual(dense(31));
  },
);

test("R-6.5-7: the notice precedes the envelope that crossed if that ends the job", async () => {
  const { runtime, start } = hosting({ limits });
  const viewer = new Viewer(runtime);
  await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 9);
  expect(noticesOf(viewer)).toEqual([]);
  job.end("done");
  await settled();
  expect(viewer.stream.slice(10).map(({ type, event_seq }) => [type, event_seq])).toEqual([
    ["job.event", 11],
    ["job.result", 12],
  ]);
  expect(noticesOf(viewer).map(({ job_id }) => job_id)).toEqual([job.id]);
});

test("R-6.5-7: the notice is sent on the job whose event crossed, and the other job's run goes on", async () => {
  const { runtime, start } = hosting({ limits });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  const quiet = await start(viewer);
  const busy = await start(viewer);
  await say(busy.ctx, 9);
  await say(quiet.ctx, 3);
  const [notice] = noticesOf(viewer);
  expect(notice?.job_id).toBe(busy.id);
  const truth = viewer.stream;
  viewer.sever();
  const again = new Viewer(runtime);
  await again.resume(welcome, 5);
  await settled();
  expect(again.stream).toEqual(truth.slice(5));
});

test("R-6.5-8: a second notice comes only after the lag has fallen to half, however the acks oscillate", async () => {
  const { runtime, start } = hosting({ limits });
  const viewer = new Viewer(runtime);
  await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 10, true);
  expect(noticesOf(viewer)).toHaveLength(1);
  // 12 issued. The lag moves between 6 and more than 10, never down to 5.
  for (let acked = 6; acked < 20; acked += 2) {
    ack(viewer, acked);
    await settled();
    await say(job.ctx, acked === 6 ? 8 : 2, true);
  }
  expect(noticesOf(viewer)).toHaveLength(1);
  const issued = viewer.stream.length;
  ack(viewer, issued - 5);
  await settled();
  await say(job.ctx, 5);
  expect(noticesOf(viewer)).toHaveLength(1);
  await say(job.ctx, 1);
  expect(noticesOf(viewer).map(({ event_seq }) => event_seq)).toEqual([12, issued + 7]);
});

test("R-6.5-8: only the lagging session is told, not one that keeps up or one without acks", async () => {
  const { runtime, start } = hosting({ limits });
  const lagging = new Viewer(runtime);
  await lagging.hello(ACKING);
  const job = await start(lagging);
  const watchers = [new Viewer(runtime), new Viewer(runtime)];
  for (const [i, watcher] of watchers.entries()) {
    await watcher.hello(i === 0 ? ACKING : ALL_FEATURES);
    await watcher.reply(watcher.send("job.subscribe", { job_id: job.id, history: true }));
  }
  for (let i = 0; i < 30; i++) {
    await say(job.ctx, 1);
    // The second of them has no feature to ack with: that must not matter (R-6.5-4).
    for (const watcher of watchers) ack(watcher, watcher.stream.length);
    await settled(4);
  }
  expect(noticesOf(lagging)).toHaveLength(1);
  for (const watcher of watchers) {
    expect(noticesOf(watcher)).toEqual([]);
    expect(watcher.seqs).toEqual(dense(31));
    expect(watcher.frames.filter(({ type }) => type === "session.error")).toEqual([]);
  }
});

test("R-6.5-4: acks for numbers never issued, and lower ones, do not suppress a notice", async () => {
  const { runtime, start } = hosting({ limits });
  const viewer = new Viewer(runtime);
  await viewer.hello(ACKING);
  const job = await start(viewer);
  await settled();
  for (const seq of [99, 2, 0]) ack(viewer, seq);
  await settled();
  await say(job.ctx, 10);
  expect(noticesOf(viewer).map(({ event_seq }) => event_seq)).toEqual([12]);
  expect(viewer.frames.filter(({ type }) => type === "session.error")).toEqual([]);
});

test("R-6.5-1: acks do not change what a resume replays, and the notice is repeated byte for byte", async () => {
  const { runtime, start } = hosting({ limits });
  const viewer = new Viewer(runtime);
  let welcome = await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 14);
  const truth = viewer.stream.map((frame) => JSON.stringify(frame));
  expect(truth).toHaveLength(16);
  ack(viewer, 16);
  await settled();
  for (const after of [0, 10, 11, 12, 15, 16]) {
    const again = new Viewer(runtime);
    welcome = await again.resume(welcome, after);
    await settled();
    expect(again.stream.map((frame) => JSON.stringify(frame))).toEqual(truth.slice(after));
    again.sever();
  }
});

test("P1: a notice is sent only once it is durable; a drop between commit and send neither loses nor doubles it", async () => {
  const { runtime, start, store } = hosting({ limits });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 9);
  store.held.sessions.hold();
  await say(job.ctx, 3);
  expect(viewer.seqs).toEqual(dense(10));
  expect(store.held.sessions.waiting).toBe(1);
  viewer.sever();
  await settled();
  await store.held.sessions.open();
  const again = new Viewer(runtime);
  await again.resume(welcome, 10);
  await say(job.ctx, 3);
  expect(again.seqs).toEqual(dense(7, 11));
  expect(noticesOf(again).map(({ event_seq }) => event_seq)).toEqual([12]);
  const records = [...viewer.stream, ...again.stream].filter((frame) => !isNotice(frame));
  expect(records.map(({ job_seq }) => job_seq)).toEqual(dense(16));
});

test("P1: a committed notice that was never sent is overwritten if it no longer applies", async () => {
  const { runtime, start, store } = hosting({ limits });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 9);
  store.held.sessions.hold();
  await say(job.ctx, 1);
  expect(store.held.sessions.waiting).toBe(1);
  viewer.sever();
  await settled();
  await store.held.sessions.open();
  // Its number 12 is in the journal, and was never sent. When the record that crossed is sent, there is no lag any more.
  const again = new Viewer(runtime);
  const resumed = await again.resume(welcome, 0);
  ack(again, 10);
  await settled();
  await say(job.ctx, 4);
  const seen = again.stream;
  again.sever();
  const third = new Viewer(runtime);
  await third.resume(resumed, 0);
  await settled();
  expect(third.stream).toEqual(seen);
  const records = seen.filter((frame) => !isNotice(frame));
  expect(records.map(({ job_seq }) => job_seq)).toEqual(dense(15));
});

test("R-6.5-7: a history from one of the owner's numbers counts records, not notices", async () => {
  const { runtime, start } = hosting({ limits });
  const owner = new Viewer(runtime);
  await owner.hello(ACKING);
  const job = await start(owner);
  await say(job.ctx, 20);
  for (const [from_event_seq, first] of [
    [11, 12],
    [12, 12],
    [13, 13],
  ]) {
    const watcher = new Viewer(runtime);
    await watcher.hello();
    const payload = { job_id: job.id, history: true, from_event_seq };
    await watcher.reply(watcher.send("job.subscribe", payload));
    await settled();
    expect(watcher.stream[0]?.job_seq).toBe(first);
  }
});

/** Consecutive processes on one store; each one is abandoned without warning. */
function processes() {
  const store = memoryStore();
  const led: AgentContext[] = [];
  const agent = defineAgent({
    name: "led",
    run(ctx) {
      led.push(ctx);
      return new Promise(() => {});
    },
  });
  const begin = () =>
    createRuntime({
      agents: [agent],
      auth: tokenTable({ secret: "alice" }),
      clock: new ManualClock(),
      logger: pino({ level: "silent" }),
      limits,
      store,
    });
  const submit = async (viewer: Viewer): Promise<AgentContext> => {
    await viewer.submit("led");
    await settled();
    const ctx = led.pop();
    if (ctx === undefined) throw new Error("no agent ran");
    return ctx;
  };
  return { begin, submit, store };
}

test.each(["crash", "shutdown"])(
  "R-6.3-20: after a %s the notice is replayed under its number, and not sent again",
  async (end) => {
    const { begin, submit } = processes();
    const first = begin();
    const before = new Viewer(first);
    const welcome = await before.hello(ACKING);
    const ctx = await submit(before);
    await say(ctx, end === "crash" ? 10 : 14);
    const truth = before.stream;
    expect(noticesOf(before).map(({ event_seq }) => event_seq)).toEqual([12]);
    if (end === "shutdown") {
      before.sever();
      await settled();
    }
    const second = begin();
    const after = new Viewer(second);
    await after.resume(welcome, 5);
    await settled();
    // The job's end, which the restart brought, follows.
    expect(after.stream.slice(0, truth.length - 5)).toEqual(truth.slice(5));
    const ctx2 = await submit(after);
    await say(ctx2, 20);
    expect(after.seqs).toEqual(dense(after.stream.length, 6));
    expect(noticesOf(after)).toHaveLength(1);
    // Once it has caught up, the next breach counts.
    const caughtUp = after.stream.at(-1)?.event_seq ?? 0;
    ack(after, caughtUp);
    await settled();
    await say(ctx2, 11);
    expect(noticesOf(after).map(({ event_seq }) => event_seq)).toEqual([12, caughtUp + 12]);
  },
);

test("R-6.5-4: acks are known after a restart, for a parked session exactly", async () => {
  const { begin, submit, store } = processes();
  const before = new Viewer(begin());
  const welcome = await before.hello(ACKING);
  const ctx = await submit(before);
  await say(ctx, 8);
  for (const seq of [1, 3, 4, 9]) ack(before, seq);
  await settled();
  const id = welcome.session_id as never;
  expect((await store.sessions.get(id))?.acked).toBe(9);
  await say(ctx, 1);
  ack(before, 10);
  await settled();
  expect((await store.sessions.get(id))?.acked).toBe(9);
  before.sever();
  await settled();
  expect((await store.sessions.get(id))?.acked).toBe(10);
});

test("R-6.5-3, R-14-3: a finished job is kept while a session has still to acknowledge it, and no longer", async () => {
  const { runtime, start, clock, store } = hosting({ limits: { ...limits, retentionSec: 60 } });
  const viewer = new Viewer(runtime);
  await viewer.hello(ACKING);
  const job = await start(viewer);
  const other = await start(viewer);
  for (const { end } of [job, other]) end("done");
  await viewer.terminal(job.id);
  await viewer.terminal(other.id);
  await settled();
  const kept = async (id: JobId) => (await store.jobs.get(id)) !== undefined;
  clock.advance(61_000);
  await settled();
  expect([await kept(job.id), await kept(other.id)]).toEqual([true, true]);
  const last = Math.max(
    ...viewer.stream
      .filter(({ job_id }) => job_id === job.id)
      .map(({ event_seq = 0 }) => event_seq),
  );
  ack(viewer, last);
  await settled();
  clock.advance(61_000);
  await settled();
  expect([await kept(job.id), await kept(other.id)]).toEqual([
    false,
    last !== viewer.stream.length,
  ]);
  ack(viewer, viewer.stream.length);
  await settled();
  clock.advance(61_000);
  await settled();
  expect(await kept(other.id)).toBe(false);
});

test("R-6.5-5: what one session acknowledged is still history for others", async () => {
  const { runtime, start } = hosting({ limits });
  const owner = new Viewer(runtime);
  await owner.hello(ACKING);
  const job = await start(owner);
  await say(job.ctx, 8);
  ack(owner, 9);
  await settled();
  const watcher = new Viewer(runtime);
  await watcher.hello(ACKING);
  await watcher.reply(watcher.send("job.subscribe", { job_id: job.id, history: true }));
  await settled();
  expect(watcher.stream.map(({ job_seq }) => job_seq)).toEqual(dense(9));
});

test("R-6.5-8: after a restart the lag counts from what was acknowledged before", async () => {
  const { begin, submit } = processes();
  const before = new Viewer(begin());
  const welcome = await before.hello(ACKING);
  await say(await submit(before), 9);
  ack(before, 10);
  await settled();
  before.sever();
  await settled();
  const after = new Viewer(begin());
  await after.resume(welcome, 10);
  const ctx = await submit(after);
  await say(ctx, 8);
  // 11 is the end of the job that the restart interrupted.
  expect(after.seqs).toEqual(dense(10, 11));
  expect(noticesOf(after)).toEqual([]);
  await say(ctx, 1);
  expect(noticesOf(after).map(({ event_seq }) => event_seq)).toEqual([22]);
});

test("R-6.5-8: a breach announced before a restart, and not over, is not announced again", async () => {
  const { begin, submit } = processes();
  const before = new Viewer(begin());
  const welcome = await before.hello(ACKING);
  await say(await submit(before), 10);
  expect(noticesOf(before).map(({ event_seq }) => event_seq)).toEqual([12]);
  ack(before, 6);
  await settled();
  before.sever();
  await settled();
  const after = new Viewer(begin());
  await after.resume(welcome, 12);
  await say(await submit(after), 12);
  expect(after.seqs).toEqual(dense(14, 13));
  expect(noticesOf(after)).toEqual([]);
});

test("R-6.3-10: a resume right before a notice does not need the record that triggered it", async () => {
  const { runtime, start } = hosting({ limits, logLimits: { records: 5 } });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  const job = await start(viewer);
  await say(job.ctx, 15, true);
  expect(viewer.seqs).toEqual(dense(17));
  viewer.sever();
  await settled();
  const early = new Viewer(runtime);
  expect((await early.resume(welcome, 10)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const again = new Viewer(runtime);
  await again.resume(welcome, 11);
  await settled();
  expect(again.stream).toEqual(viewer.stream.slice(11));
});
