import type { MessageId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import type { AttachmentRow } from "../store/index.ts";

const KEYED = { idempotency_key: "k" };
const LATE = "req_late" as MessageId;

const subscribe = (viewer: Viewer, { id }: LedJob, rest: object = {}, as: string = LATE) =>
  viewer.sendAs(as, "job.subscribe", { job_id: id, ...rest }, { job_id: id });
const unsubscribe = (viewer: Viewer, { id }: LedJob) =>
  viewer.send("job.unsubscribe", { job_id: id }, { job_id: id });

async function say({ ctx }: LedJob, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await ctx.log.info(`${i}`);
  await ctx.flush();
  await settled();
}

/**
 * A job with four records, its owner, and an observer. The store makes every change at once, but answers late if an
 * attachment comes from the request `req_late`, or as `late` decides.
 */
async function scene(late = ({ request }: AttachmentRow) => request === LATE) {
  const rig = hosting();
  const owner = new Viewer(rig.runtime);
  await owner.hello();
  const job = await rig.start(owner, KEYED);
  await say(job, 3);
  const stored = Promise.withResolvers<void>();
  const { commit } = rig.store.sessions;
  rig.store.sessions.commit = async (...args) => {
    const outcome = await commit.apply(rig.store.sessions, args);
    if (args[2].attach?.some(late)) await stored.promise;
    return outcome;
  };
  const observer = new Viewer(rig.runtime);
  const welcome = await observer.hello();
  const store = async (error?: Error): Promise<void> => {
    if (error === undefined) stored.resolve();
    else stored.reject(error);
    await settled();
  };
  return { ...rig, owner, job, observer, welcome, stored: store };
}

const answersTo = ({ frames }: Viewer, id: string) =>
  frames.filter(({ payload }) => payload.request_id === id);
const jobSeqs = (frames: readonly Frame[]) => frames.map(({ job_seq }) => job_seq);
/** What followed the reply to a request. */
const behind = ({ frames }: Viewer, id: string) =>
  frames.slice(frames.findIndex(({ payload }) => payload.request_id === id) + 1);
const streamOf = (frames: readonly Frame[]) =>
  frames.filter(({ event_seq }) => event_seq !== undefined);

test("R-7.6-3, R-6.3-20: a subscription is answered once it is durable, before anything that it delivers", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  await settled();
  expect(observer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  await stored();
  expect(observer.frames[1]?.payload).toMatchObject({ request_id: LATE, subscribed_from: 0 });
  expect(jobSeqs(streamOf(behind(observer, LATE)))).toEqual(dense(4));
  await say(job, 1);
  expect(observer.seqs).toEqual(dense(5));
});

test("R-4-2: only the reply waits for the store", async () => {
  const { observer, owner, job, start, stored } = await scene();
  const another = await start(owner);
  subscribe(observer, job, { history: true });
  subscribe(observer, another, { history: true }, "req_other");
  observer.send("session.ping", { nonce: "n", sent_at: new Date().toISOString() });
  await observer.find(({ type }) => type === "session.pong");
  await observer.reply("req_other");
  await say(another, 2);
  expect(jobSeqs(observer.stream)).toEqual(dense(3));
  expect(new Set(observer.stream.map(({ job_id }) => job_id))).toEqual(new Set([another.id]));
  await stored();
  expect(answersTo(observer, LATE)[0]?.payload.subscribed_from).toBe(3);
  expect(observer.seqs).toEqual(dense(7));
});

test("R-7.6-3: a resubmission that leads to the same job meanwhile delivers nothing before the reply", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  await settled();
  const submit = observer.send("job.submit", { agent: "led", input: null, ...KEYED });
  await observer.reply(submit);
  await say(job, 1);
  expect(observer.seqs).toEqual([]);
  await stored();
  const { payload } = answersTo(observer, LATE)[0] ?? {};
  const told = streamOf(behind(observer, LATE)).filter(
    ({ event_seq = 0 }) => event_seq > payload.subscribed_from,
  );
  expect(jobSeqs(told)).toEqual(dense(5));
});

test("R-7.6-6: live events begin at the job's position when the reply is sent", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job);
  await settled();
  await say(job, 2);
  await stored();
  expect(answersTo(observer, LATE)[0]?.payload).toMatchObject({ last_job_seq: 6 });
  await say(job, 2);
  expect(jobSeqs(observer.stream)).toEqual([7, 8]);
});

test.each([{}, { history: true }])(
  "R-7.6-3: the end of the job follows the reply that it overtook, asked with %j",
  async (rest) => {
    const { observer, owner, job, stored } = await scene();
    subscribe(observer, job, rest);
    await settled();
    job.end("done");
    await owner.terminal(job.id);
    await settled();
    expect(observer.seqs).toEqual([]);
    await stored();
    const { current_status } = answersTo(observer, LATE)[0]?.payload ?? {};
    expect(current_status).toBe("success");
    expect(streamOf(behind(observer, LATE)).at(-1)?.type).toBe("job.result");
  },
);

test("R-7.6-8: a client that unsubscribes meanwhile is answered, and gets nothing", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  unsubscribe(observer, job);
  await settled();
  await stored();
  await say(job, 1);
  expect(answersTo(observer, LATE).map(({ type }) => type)).toEqual(["job.subscribed"]);
  expect(observer.seqs).toEqual([]);
});

test("R-7.6-7: of two subscriptions to a job neither is answered before it is durable, nor sends before both are", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  subscribe(observer, job, {}, "req_live");
  subscribe(observer, job, { history: true, from_job_seq: 2 }, "req_part");
  await settled();
  expect(answersTo(observer, "req_live")).toEqual([]);
  expect(observer.seqs).toEqual([]);
  await stored();
  for (const id of [LATE, "req_live", "req_part"]) {
    expect(answersTo(observer, id).map(({ type }) => type)).toEqual(["job.subscribed"]);
    expect(jobSeqs(streamOf(behind(observer, id)))).toEqual(dense(4));
  }
});

test("P3: live events take nothing away from a history that was requested after them", async () => {
  const { observer, job, stored } = await scene();
  subscribe(observer, job);
  subscribe(observer, job, { history: true }, "req_history");
  await observer.reply("req_history");
  await say(job, 1);
  expect(observer.seqs).toEqual([]);
  await stored();
  expect(jobSeqs(streamOf(behind(observer, LATE)))).toEqual(dense(5));
});

test("R-7.6-3: an owner that asks while its position in its own job is being stored gets the end after the reply", async () => {
  const { owner, start, stored } = await scene(({ role }) => role === "owner");
  const job = await start(owner);
  await say(job, 1);
  subscribe(owner, job, { history: true }, "req_history");
  subscribe(owner, job);
  await settled();
  job.end("done");
  await settled();
  expect(answersTo(owner, LATE)).toEqual([]);
  await stored();
  const end = await owner.terminal(job.id);
  expect(behind(owner, LATE)).toContain(end);
});

test("R-6.3-14: a connection that comes between commit and reply gets the reply, and everything after it", async () => {
  const { runtime, observer, welcome, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  await settled();
  observer.sever();
  await settled();
  const back = new Viewer(runtime);
  await back.resume(welcome, 0);
  await say(job, 1);
  expect(back.seqs).toEqual([]);
  // It has no reply, so it asks again.
  subscribe(back, job, { history: true });
  await settled();
  await stored();
  expect(answersTo(back, LATE)).toHaveLength(2);
  expect(new Set(jobSeqs(streamOf(behind(back, LATE))))).toEqual(new Set(dense(5)));
  expect(back.seqs).toEqual(dense(back.seqs.length));
  await say(job, 1);
  expect(jobSeqs(back.stream).filter((seq) => seq === 6)).toHaveLength(1);
});

test("R-6.3-14: a subscription that was answered while nobody was connected is still followed", async () => {
  const { runtime, observer, welcome, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  await settled();
  observer.sever();
  await settled();
  await stored();
  const back = new Viewer(runtime);
  await back.resume(welcome, 0);
  await settled();
  expect(jobSeqs(back.stream)).toEqual(dense(4));
});

test("R-5.4-2: a subscription that cannot be stored is refused and delivers nothing; an existing one goes on", async () => {
  const { runtime, observer, job, stored } = await scene();
  subscribe(observer, job, { history: true });
  const before = new Viewer(runtime);
  await before.hello();
  subscribe(before, job, {}, "req_before");
  await before.reply("req_before");
  subscribe(before, job, { history: true });
  await settled();
  await stored(new Error("the disk is full"));
  for (const viewer of [observer, before]) {
    expect(answersTo(viewer, LATE).map(({ payload }) => payload.code)).toEqual(["INTERNAL_ERROR"]);
  }
  await say(job, 1);
  expect(observer.seqs).toEqual([]);
  expect(jobSeqs(before.stream)).toEqual([5]);
  // Nothing of it is left behind.
  subscribe(before, job, {}, "req_after");
  expect((await before.reply("req_after")).type).toBe("job.subscribed");
  subscribe(observer, job, { history: true }, "req_again");
  await observer.reply("req_again");
  await settled();
  expect(jobSeqs(observer.stream)).toEqual(dense(5));
});

test("R-5.4-2: of two subscriptions to a job that cannot be stored neither delivers; an existing one goes on", async () => {
  const { runtime, observer, job, stored } = await scene(
    ({ request }) => request === LATE || request === "req_second",
  );
  const before = new Viewer(runtime);
  await before.hello();
  subscribe(before, job, {}, "req_before");
  await before.reply("req_before");
  for (const viewer of [observer, before]) {
    subscribe(viewer, job, { history: true });
    await settled();
    subscribe(viewer, job, { history: true }, "req_second");
    await settled();
  }
  await stored(new Error("the disk is full"));
  for (const viewer of [observer, before]) {
    for (const id of [LATE, "req_second"]) {
      expect(answersTo(viewer, id).map(({ payload }) => payload.code)).toEqual(["INTERNAL_ERROR"]);
    }
  }
  await say(job, 1);
  expect(observer.seqs).toEqual([]);
  expect(jobSeqs(before.stream)).toEqual([5]);
});

test("R-7.2-8, R-6.3-20: a resubmission is answered once its session follows the job durably; later replies wait", async () => {
  const { observer, job, stored } = await scene();
  observer.sendAs(LATE, "job.submit", { agent: "led", input: null, ...KEYED });
  const next = observer.send("job.submit", { agent: "nobody", input: null });
  await settled();
  expect(observer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  await stored();
  const replies = observer.frames.filter(({ payload }) => payload.request_id !== undefined);
  expect(replies.map(({ payload }) => payload.request_id)).toEqual([LATE, next]);
  expect(replies[0]?.job_id).toBe(job.id);
  expect(jobSeqs(streamOf(behind(observer, LATE)))).toEqual(dense(4));
});

test("R-7.2-8, R-6.3-20: nor is a connection that comes meanwhile told of the job before that is durable", async () => {
  const { runtime, observer, welcome, stored } = await scene();
  observer.sendAs(LATE, "job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  observer.sever();
  await settled();
  const back = new Viewer(runtime);
  await back.resume(welcome, 0);
  await settled();
  expect(back.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  await stored();
  expect(answersTo(back, LATE).map(({ type }) => type)).toEqual(["job.accepted"]);
  expect(jobSeqs(streamOf(behind(back, LATE)))).toEqual(dense(4));
});

test("R-7.2-8, R-6.3-8: a job durably followed while nobody was connected is announced once, before its events", async () => {
  const { runtime, observer, welcome, job, stored } = await scene();
  observer.sendAs(LATE, "job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  observer.sever();
  await settled();
  await stored();
  const back = new Viewer(runtime);
  await back.resume(welcome, 0);
  await settled();
  expect(answersTo(back, LATE).map(({ job_id }) => job_id)).toEqual([job.id]);
  expect(jobSeqs(streamOf(behind(back, LATE)))).toEqual(dense(4));
});

test("R-7.2-9, R-6.3-20: an owner that has seen the end and asks again is answered when that is durable", async () => {
  const { owner, job, stored } = await scene();
  job.end("done");
  await owner.terminal(job.id);
  await settled();
  owner.sendAs(LATE, "job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  expect(answersTo(owner, LATE)).toEqual([]);
  await stored();
  expect(behind(owner, LATE).map(({ type }) => type)).toEqual(["job.result"]);
});

test("R-5.4-8: a resubmission that could not be stored is decided anew when it is repeated", async () => {
  const { runtime, observer, welcome, job, stored } = await scene();
  const submit = (viewer: Viewer) =>
    viewer.sendAs(LATE, "job.submit", { agent: "led", input: null, ...KEYED });
  submit(observer);
  await settled();
  observer.sever();
  await settled();
  await stored(new Error("the disk is full"));
  const back = new Viewer(runtime);
  await back.resume(welcome, 0);
  submit(back);
  await settled();
  // The store fails it again, and reports it this time.
  expect(answersTo(back, LATE).map(({ payload }) => payload.code)).toEqual(["INTERNAL_ERROR"]);
  back.send("job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  expect(back.frames.find(({ type }) => type === "job.accepted")?.job_id).toBe(job.id);
  expect(jobSeqs(back.stream)).toEqual(dense(4));
});

test("R-5.4-8: a refusal is answered once it is stored", async () => {
  const { store, runtime } = hosting();
  Object.assign(store, { durable: true });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  store.held.sessions.hold();
  const id = viewer.send("job.submit", { agent: "nobody" });
  await settled();
  expect(store.held.sessions.waiting).toBe(1);
  expect(answersTo(viewer, id)).toEqual([]);
  await store.held.sessions.open();
  expect((await viewer.reply(id)).payload).toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
});
