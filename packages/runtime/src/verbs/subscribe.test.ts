import type { JobId } from "@arcp/core";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { collectGarbage } from "../../test/collect-garbage.ts";
import { settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { LongText } from "../store/long-text.ts";

const HELLO = {
  auth: { scheme: "bearer", token: "secret" },
  capabilities: { features: ALL_FEATURES },
};

const subscribe = (viewer: Viewer, job: string, rest: object = {}) =>
  viewer.send("job.subscribe", { job_id: job, ...rest }, { job_id: job });

async function say(job: LedJob, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();
  await settled();
}

async function owning(options: Parameters<typeof hosting>[0] = {}) {
  const rig = hosting(options);
  const owner = new Viewer(rig.runtime);
  const welcome = await owner.hello();
  const job = await rig.start(owner);
  await settled();
  return { ...rig, owner, welcome, job };
}

/** A viewer that comes when its job has ended; one second later the job is removed. */
async function comingLate() {
  const rig = await owning({ limits: { retentionSec: 1, resumeWindowSec: 1 } });
  rig.job.end("done");
  await rig.owner.terminal(rig.job.id);
  await settled();
  const late = new Viewer(rig.runtime);
  await late.hello();
  return { ...rig, late };
}

const messages = (frames: readonly Frame[]) => frames.map(({ payload }) => payload.body?.message);

test("R-4-2: a long history of which a viewer may see nothing keeps nobody waiting", async () => {
  const { runtime, job } = await owning();
  const PAGES = 20;
  for (let i = 0; i < PAGES * 256; i++) await job.ctx.progress({ current: i });
  await job.ctx.flush();
  const blind = new Viewer(runtime);
  await blind.hello(["subscribe"]);
  const reply = blind.reply(subscribe(blind, job.id, { history: true, from_job_seq: 1 }));
  let turns = 0;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  expect((await reply).payload).toMatchObject({ replayed: false, last_job_seq: PAGES * 256 + 1 });
  clearImmediate(next);
  expect(turns).toBeGreaterThan(PAGES / 2);
});

test("R-7.6-8: an unsubscribe right after its subscribe ends the subscription, however slow the store", async () => {
  const { runtime, store, job } = await owning();
  const observer = new Viewer(runtime);
  await observer.hello();
  for (const rest of [{}, { history: true }]) {
    store.held.reads.hold();
    const id = subscribe(observer, job.id, rest);
    observer.send("job.unsubscribe", { job_id: job.id }, { job_id: job.id });
    await settled();
    await store.held.reads.open();
    await observer.reply(id);
    const before = observer.stream.length;
    await settled();
    await say(job, 3);
    expect(observer.stream.length - before).toBeLessThanOrEqual(0);
  }
  // In the reverse order the subscription wins.
  observer.send("job.unsubscribe", { job_id: job.id }, { job_id: job.id });
  await observer.reply(subscribe(observer, job.id));
  const before = observer.stream.length;
  await say(job, 3);
  expect(observer.stream.length - before).toBe(3);
});

test("P3: a client that lags and subscribes ahead of its position misses nothing", async () => {
  for (const role of ["owner", "observer"]) {
    const { runtime, owner, welcome, job } = await owning();
    const lagging = new Viewer(runtime, { highWaterMark: 1000, read: false });
    if (role === "owner") {
      owner.sever();
      await settled();
      void lagging.resume(welcome, 1);
    } else {
      lagging.send("session.hello", HELLO);
      subscribe(lagging, job.id, { history: true, from_job_seq: 1 });
    }
    await settled();
    await say(job, 3000);
    subscribe(lagging, job.id, { history: true, from_job_seq: 3000 });
    subscribe(lagging, job.id);
    await settled();
    void lagging.read();
    job.end("done");
    await lagging.terminal(job.id);
    const from = role === "owner" ? 2 : 1;
    expect(lagging.seqs).toEqual(dense(3001, from));
    expect(lagging.stream.map(({ job_seq }) => job_seq)).toEqual(dense(3001, 2));
  }
});

test("P3: an owner whose requested history is evicted during delivery loses only that, and is told", async () => {
  const { runtime, store, owner, welcome, job } = await owning({ logLimits: { records: 400 } });
  for (let i = 0; i < 30; i++) await say(job, 30);
  expect(owner.seqs).toEqual(dense(901));
  // What the first page has left of the history is evicted while that page is in flight.
  const { read } = store.logs;
  let reads = 0;
  store.logs.read = async (...args) => {
    const page = await read(...args);
    reads += 1;
    if (reads === 2) {
      for (let i = 0; i < 300; i++) await job.ctx.log.info("evicts the oldest");
      await job.ctx.flush();
    }
    return page;
  };
  const id = subscribe(owner, job.id, { history: true });
  await settled();
  store.logs.read = read;
  const answers = owner.frames.filter(({ payload }) => payload.request_id === id);
  expect(answers.map(({ type, payload }) => payload.code ?? type)).toEqual([
    "job.subscribed",
    "RESUME_WINDOW_EXPIRED",
  ]);
  await say(job, 1);
  expect(messages(owner.stream).slice(-2)).toEqual(["evicts the oldest", "0"]);
  expect(owner.seqs).toEqual(dense(901 + 256 + 301));
  // The connection and the session live on.
  const last = owner.stream.length;
  owner.sever();
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, last)).type).toBe("session.welcome");
  job.end("done");
  await again.terminal(job.id);
  expect(again.seqs).toEqual([last + 1]);
});

test("R-7.6-5: replayed is false if the history holds nothing that this viewer may see", async () => {
  const { runtime, job } = await owning();
  for (let i = 0; i < 600; i++) await job.ctx.progress({ current: i });
  await job.ctx.flush();
  const observer = new Viewer(runtime);
  await observer.hello(["subscribe"]);
  const hidden = await observer.reply(
    subscribe(observer, job.id, { history: true, from_job_seq: 1 }),
  );
  expect(hidden.payload).toMatchObject({ replayed: false, last_job_seq: 601 });
  const whole = await observer.reply(subscribe(observer, job.id, { history: true }));
  expect(whole.payload.replayed).toBe(true);
  await settled();
  expect(observer.stream.map(({ job_seq }) => job_seq)).toEqual([1]);
});

test("R-7.6-5: from_event_seq is one of the owner's numbers, even once its session is forgotten", async () => {
  const { runtime, owner, job, start, clock } = await owning();
  const other = await start(owner);
  await say(other, 2);
  await say(job, 3);
  await say(other, 1);
  const third = owner.stream.find(
    ({ job_id, job_seq }) => job_id === job.id && job_seq === 3,
  )?.event_seq;
  const history = async () => {
    const observer = new Viewer(runtime);
    await observer.hello();
    const rest = { history: true, from_event_seq: third };
    expect((await observer.reply(subscribe(observer, job.id, rest))).type).toBe("job.subscribed");
    await settled();
    return observer.stream.map(({ job_seq }) => job_seq);
  };
  expect(await history()).toEqual([4]);
  owner.sever();
  await settled();
  clock.advance(600_000);
  await settled();
  expect(await history()).toEqual([4]);
});

test("R-7.6-1: another principal may watch a job only if the policy says so", async () => {
  const { runtime, job } = await owning();
  const stranger = new Viewer(runtime);
  await stranger.hello(ALL_FEATURES, "other");
  const hidden = await stranger.reply(subscribe(stranger, job.id));
  const unknown = await stranger.reply(subscribe(stranger, "job_01KB2M5T9K"));
  const told = ({ payload }: Frame) => ({ ...payload, job_id: "", request_id: "" });
  expect(told(hidden)).toEqual(told(unknown));
  expect(hidden.payload.code).toBe("JOB_NOT_FOUND");

  const open = await owning({ policy: { mayObserve: (principal) => principal === "bob" } });
  const auditor = new Viewer(open.runtime);
  await auditor.hello(ALL_FEATURES, "other");
  const reply = await auditor.reply(subscribe(auditor, open.job.id, { history: true }));
  expect(reply.type).toBe("job.subscribed");
});

test("R-7.6-6: a subscriber that comes after the end gets the end", async () => {
  const { runtime, owner, job } = await owning();
  await say(job, 2);
  job.end("done");
  await owner.terminal(job.id);
  for (const [rest, seqs] of [
    [{}, [4]],
    [{ history: true, from_job_seq: 2 }, [3, 4]],
  ] as const) {
    const late = new Viewer(runtime);
    await late.hello();
    const { payload } = await late.reply(subscribe(late, job.id, rest));
    expect(payload.current_status).toBe("success");
    await late.terminal(job.id);
    expect(late.stream.map(({ job_seq }) => job_seq)).toEqual(seqs);
  }
});

test("P3: a job that is removed while a subscription reads its log is not found, rather than silent for ever", async () => {
  const { store, clock, job, late } = await comingLate();
  store.held.reads.hold();
  const id = subscribe(late, job.id, { history: true });
  await settled();
  clock.advance(1000);
  await settled();
  await store.held.reads.open();
  expect((await late.reply(id)).payload).toMatchObject({
    code: "JOB_NOT_FOUND",
    job_id: job.id,
  });
});

test.each(["when it is found", "once it was found"])(
  "P3: a job whose removal is in progress %s is not found, since nothing would ever come of it",
  async (when) => {
    const { store, clock, job, late } = await comingLate();
    store.held.removals.hold();
    if (when === "when it is found") clock.advance(1000);
    else store.held.reads.hold();
    await settled();
    const id = subscribe(late, job.id, { history: true });
    await settled();
    if (when === "once it was found") {
      await store.held.reads.release();
      clock.advance(1000);
      await settled();
      await store.held.reads.open();
    }
    expect(store.held.removals.waiting).toBe(1);
    expect((await late.reply(id)).payload).toMatchObject({ code: "JOB_NOT_FOUND" });
    await store.held.removals.open();
  },
);

test("P3: a job that is removed between its look-up and the first look at its log is not found", async () => {
  const { store, clock, job, late } = await comingLate();
  store.held.reads.hold();
  const id = subscribe(late, job.id, { history: true });
  await settled();
  await store.held.reads.release();
  expect(store.held.reads.waiting).toBe(1);
  clock.advance(1000);
  await settled();
  expect(await store.jobs.get(job.id)).toBeUndefined();
  await store.held.reads.open();
  expect((await late.reply(id)).payload).toMatchObject({ code: "JOB_NOT_FOUND" });
  expect(late.frames.filter(({ type }) => type === "session.error")).toHaveLength(1);
});

test("P3: a job whose time is up while its subscription waits for its place in the stream is kept", async () => {
  const { store, clock, job, owner, late, start } = await comingLate();
  await start(owner);
  const [one, other] = [await start(late), await start(late)];
  await settled();
  store.held.sessions.hold();
  // Two jobs take turns: the meaning of their numbers must be stored.
  await one.ctx.thought("on");
  await other.ctx.thought("on");
  await settled();
  expect(store.held.sessions.waiting).toBe(1);
  const id = subscribe(late, job.id);
  await settled();
  clock.advance(1000);
  await settled();
  await store.held.sessions.open();
  expect((await late.reply(id)).type).toBe("job.subscribed");
  await late.terminal(job.id);
});

test("R-10-2: an owner that subscribes to a child before the record that announces it misses nothing", async () => {
  const { runtime, begun } = hosting();
  const viewer = new Viewer(runtime, { read: false, highWaterMark: 1000 });
  viewer.send("session.hello", HELLO);
  await settled();
  viewer.send("job.submit", { agent: "led", lease_request: { "agent.delegate": ["led"] } });
  await settled();
  const [parent] = await Promise.all([...begun.values()].map(({ promise }) => promise));
  for (const i of dense(1000)) await parent?.ctx.thought(`${i}`);
  const { id } = (await parent?.ctx.delegate("led")) ?? { id: "" };
  await settled();
  const child = await begun.get(id)?.promise;
  await child?.ctx.thought("first");
  viewer.send("job.subscribe", { job_id: id });
  await settled();
  void viewer.read();
  await viewer.find(({ type }) => type === "job.subscribed");
  child?.end("done");
  await viewer.terminal(id);
  const mine = viewer.frames.filter(
    ({ job_id, type }) => job_id === id && type !== "job.subscribed",
  );
  expect(mine.map(({ type }) => type)).toEqual([
    "job.accepted",
    "job.event",
    "job.event",
    "job.result",
  ]);
});

test("J2: a subscription's budget shows no spending before it is in both the log and the index", async () => {
  const { runtime, store, owner, start } = await owning();
  const { id, ctx, end } = await start(owner, { lease_request: { "cost.budget": ["USD:1"] } });
  const observer = new Viewer(runtime);
  await observer.hello();
  const told = async () => (await observer.reply(subscribe(observer, id))).payload.budget;
  const spend = async () => {
    await ctx.metric({ name: "cost.search", value: 0.25, unit: "USD" });
    await settled();
  };
  const { logs, jobs } = store.held;
  const stored = async () => (await store.jobs.get(id as JobId))?.remaining;
  logs.hold();
  await spend();
  expect(ctx.budget.remaining()).toEqual({ USD: "0.75" });
  expect(await told()).toEqual({ USD: 1 });
  await logs.open();
  expect(await told()).toEqual({ USD: 0.75 });
  // By itself the index accepts nothing any more.
  jobs.hold();
  logs.hold();
  await spend();
  expect([await told(), await stored()]).toEqual([{ USD: 0.75 }, { USD: "0.75" }]);
  await logs.open();
  expect([await told(), await stored()]).toEqual([{ USD: 0.5 }, { USD: "0.5" }]);
  await jobs.open();
  // The last cost is stored with the end, and is reported with it.
  void ctx.metric({ name: "cost.search", value: 0.25, unit: "USD" });
  end("done");
  await owner.terminal(id);
  expect(await told()).toEqual({ USD: 0.25 });
});

test("all long texts that a subscription with history borrows are returned", async () => {
  const { runtime, job } = await owning();
  for (const letter of "abc") await job.ctx.result.write(letter.repeat(60_000));
  await job.ctx.flush();
  await settled();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const lent = vi.spyOn(LongText.prototype, "lend");
  const givenBack = vi.spyOn(LongText.prototype, "giveBack");
  try {
    await viewer.reply(subscribe(viewer, job.id, { history: true }));
    await viewer.find(({ payload }) => payload.body?.chunk_seq === 2);
    await settled();
    expect(lent.mock.calls.length).toBeGreaterThanOrEqual(3);
    expect(givenBack.mock.calls.length).toBe(lent.mock.calls.length);
  } finally {
    vi.restoreAllMocks();
  }
});

test("R-4.1-10: subscriptions that were stored together are all answered, as fast as their client reads", async () => {
  const { runtime, store, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const patterns = dense(200).map((i) => `${i}-${"x".repeat(1000)}`);
  const job = await start(owner, { lease_request: { "tool.call": patterns } });
  const stalled = new Viewer(runtime, { read: false, highWaterMark: 1000 });
  stalled.send("session.hello", HELLO);
  await settled();
  store.held.sessions.hold();
  const requests = dense(300).map(() => subscribe(stalled, job.id, { history: true }));
  await vi.waitUntil(() => store.held.sessions.waiting === requests.length);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await store.held.sessions.open();
  await settled();
  collectGarbage();
  // Each reply repeats the lease: together they have 60 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 24);
  void stalled.read();
  for (const id of requests) expect((await stalled.reply(id)).type).toBe("job.subscribed");
  await job.ctx.log.info("heard once");
  await stalled.find(({ payload }) => payload.body?.message === "heard once");
});

test.each([
  { what: "subscriptions", followed: false },
  { what: "subscriptions of what is followed already", followed: true },
])(
  "R-4.1-10: $what that wait for a batch are all answered, as fast as their client reads",
  async ({ followed }) => {
    const { runtime, store, start } = hosting();
    const owner = new Viewer(runtime);
    await owner.hello();
    const patterns = dense(200).map((i) => `${i}-${"x".repeat(1000)}`);
    const job = await start(owner, { lease_request: { "tool.call": patterns } });
    const noisy = await start(owner);
    const slow = new Viewer(runtime, { read: false, highWaterMark: 100_000 });
    slow.send("session.hello", HELLO);
    await settled();
    subscribe(slow, noisy.id);
    if (followed) subscribe(slow, job.id);
    await settled();
    store.held.reads.hold();
    await noisy.ctx.log.info("what the batch is made of");
    await vi.waitUntil(() => store.held.reads.waiting === 2);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const requests = dense(300).map(() => subscribe(slow, job.id));
    await settled();
    await store.held.reads.open();
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 24);
    void slow.read();
    for (const id of requests) expect((await slow.reply(id)).type).toBe("job.subscribed");
    await job.ctx.log.info("heard once");
    await slow.find(({ payload }) => payload.body?.message === "heard once");
  },
);

test("R-14-2, R-14-5: a refused subscription, above the limit, is not logged as one", async () => {
  const logged: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const { runtime, owner, start, job } = await owning({
    limits: { subscriptionsPerSession: 1 },
    logger,
  });
  const jobs = [job, await start(owner)];
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const sent = jobs.map(({ id }) => subscribe(viewer, id));
  const [first, second] = await Promise.all(sent.map((id) => viewer.reply(id)));
  expect(first?.type).toBe("job.subscribed");
  expect(second?.payload.details).toEqual({ reason: "subscriptions_per_session" });
  await settled();
  const subscribed = logged.filter((line) => line.includes("job subscribed"));
  expect(subscribed.map((line) => JSON.parse(line).job)).toEqual([job.id]);
});
