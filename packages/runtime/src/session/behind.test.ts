import type { SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";
import type { LogPage } from "../store/index.ts";

const HELLO = {
  auth: { scheme: "bearer", token: "secret" },
  capabilities: { features: ALL_FEATURES },
};

const history = (viewer: Viewer, job: string, rest: object = {}) =>
  viewer.send("job.subscribe", { job_id: job, history: true, ...rest });

async function say(job: LedJob, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();
}

/** A job whose log keeps its newest `records`, after this many events besides its first status. */
async function keeping(records: number, events: number) {
  const rig = hosting({ logLimits: { records } });
  const owner = new Viewer(rig.runtime);
  const welcome = await owner.hello();
  const job = await rig.start(owner);
  await say(job, events);
  await settled();
  /** Runs `before` when a page of the log, not just its bounds, is read for the `nth` time from now on. */
  const onRead = (nth: number, before: () => Promise<unknown>) => {
    const { read } = rig.store.logs;
    let reads = 0;
    rig.store.logs.read = async (job, after, limits): Promise<LogPage> => {
      reads += limits.records > 0 ? 1 : 0;
      if (reads === nth) {
        rig.store.logs.read = read;
        await before();
      }
      return read(job, after, limits);
    };
  };
  const watch = async () => {
    const observer = new Viewer(rig.runtime);
    await observer.hello();
    return observer;
  };
  return { ...rig, owner, welcome, job, onRead, watch };
}

const errors = ({ frames }: Viewer) => frames.filter(({ type }) => type === "session.error");
const places = ({ stream }: Viewer) => stream.map(({ job_seq }) => job_seq);

test("R-6.3-17: a subscription that falls behind is reported once, however busy the job goes on", async () => {
  const { runtime, store, owner, job } = await keeping(1000, 0);
  const observer = new Viewer(runtime, { highWaterMark: 1000, read: false });
  observer.send("session.hello", HELLO);
  const request = history(observer, job.id);
  await settled();
  await say(job, 3000);
  // A read takes a while, and the bell rings meanwhile.
  const { read } = store.logs;
  store.logs.read = async (...args) => {
    const page = await read(...args);
    await settled(1);
    return page;
  };
  void observer.read();
  await say(job, 1000);
  await settled(100);
  expect(errors(observer).map(({ payload }) => payload)).toMatchObject([
    { code: "RESUME_WINDOW_EXPIRED", job_id: job.id, request_id: request },
  ]);
  expect(places(observer)).toEqual(dense(observer.stream.length));
  expect(observer.stream.length).toBeLessThan(2000);
  expect(owner.seqs).toEqual(dense(4001));
});

test("P3, R-6.3-17: a lost subscription is reported again to a client that may not have received the report", async () => {
  const { runtime, store, owner, job, start } = await keeping(10, 0);
  const other = await start(owner);
  let observer = new Viewer(runtime);
  let welcome = await observer.hello();
  const request = observer.send("job.subscribe", { job_id: job.id });
  await observer.reply(request);
  await say(job, 3);
  await settled();
  store.held.reads.hold();
  await say(job, 30);
  await store.held.reads.open();
  await settled();
  const told = [{ code: "RESUME_WINDOW_EXPIRED", job_id: job.id, request_id: request }];
  expect(errors(observer).map(({ payload }) => payload)).toMatchObject(told);
  const resume = async (after: number): Promise<void> => {
    observer.sever();
    observer = new Viewer(runtime);
    welcome = await observer.resume(welcome, after);
    await settled();
  };
  await resume(3);
  expect(errors(observer).map(({ payload }) => payload)).toMatchObject(told);
  // Something follows the report: a client that has that has the report.
  await observer.reply(observer.send("job.subscribe", { job_id: other.id }));
  await say(other, 1);
  await settled();
  expect(observer.seqs).toEqual([4]);
  await resume(4);
  expect(errors(observer)).toEqual([]);
  await resume(3);
  expect(errors(observer).map(({ payload }) => payload)).toMatchObject(told);
  // A new subscription is another matter.
  await observer.reply(observer.send("job.subscribe", { job_id: job.id }));
  await resume(3);
  expect(errors(observer)).toEqual([]);
});

test("R-7.6-5: a truncated history begins at the log's floor, even if that moves before the first page", async () => {
  const { job, onRead, watch } = await keeping(10, 30);
  const observer = await watch();
  // The first page only shows whether there is anything to replay; the second one is delivered.
  onRead(2, () => say(job, 5));
  const { payload } = await observer.reply(history(observer, job.id));
  expect(payload).toMatchObject({ truncated: true, last_job_seq: 31 });
  await settled();
  await say(job, 2);
  await settled();
  expect(errors(observer)).toEqual([]);
  expect(places(observer)).toEqual(dense(12, 27));
  expect(observer.seqs).toEqual(dense(12));
});

test("P3: a client not told that history is missing is told when it is evicted before the first page", async () => {
  for (const rest of [{}, { from_job_seq: 10 }]) {
    const { job, onRead, watch } = await keeping(20, "from_job_seq" in rest ? 29 : 19);
    const observer = await watch();
    onRead(2, () => say(job, 1));
    const request = history(observer, job.id, rest);
    const { payload } = await observer.reply(request);
    expect(payload.truncated).toBeUndefined();
    await settled();
    expect(errors(observer).map(({ payload }) => payload.request_id)).toEqual([request]);
    expect(observer.stream).toEqual([]);
  }
});

test("R-7.6-3, P3: a truncated history misses nothing that was emitted after its subscription", async () => {
  const { runtime, start, job, watch } = await keeping(10, 30);
  const chatter = await start(await watch());
  // It stalls while it follows something else.
  const observer = new Viewer(runtime, { highWaterMark: 200, read: false });
  observer.send("session.hello", HELLO);
  observer.send("job.subscribe", { job_id: chatter.id });
  await settled();
  await say(chatter, 5);
  await settled();
  const request = history(observer, job.id);
  await settled();
  await say(job, 100);
  void observer.read();
  await settled(50);
  const subscribed = observer.frames.find(
    ({ type, job_id }) => type === "job.subscribed" && job_id === job.id,
  );
  expect(subscribed?.payload).toMatchObject({ truncated: true, last_job_seq: 31 });
  expect(errors(observer).map(({ payload }) => payload.request_id)).toEqual([request]);
  expect(observer.stream.filter(({ job_id }) => job_id === job.id)).toEqual([]);
});

test("P3: a truncated history skips nothing that an earlier subscription has still to deliver", async () => {
  const { job, onRead, watch } = await keeping(10, 30);
  const observer = await watch();
  await observer.reply(observer.send("job.subscribe", { job_id: job.id }));
  await say(job, 5);
  await settled();
  expect(places(observer)).toEqual(dense(5, 32));
  // Its live position is 36; the record behind that is evicted as well.
  onRead(2, () => say(job, 11));
  const request = history(observer, job.id);
  expect((await observer.reply(request)).payload.truncated).toBe(true);
  await settled();
  await say(job, 3);
  await settled();
  expect(errors(observer).map(({ payload }) => payload.request_id)).toEqual([request]);
  expect(places(observer)).toEqual(dense(5, 32));
});

test("P3: a truncated history skips nothing that an earlier history has still to deliver", async () => {
  const { runtime, start, job, watch } = await keeping(20, 24);
  const chatter = await start(await watch());
  // It stalls while it follows something else.
  const observer = new Viewer(runtime, { highWaterMark: 200, read: false });
  observer.send("session.hello", HELLO);
  observer.send("job.subscribe", { job_id: chatter.id });
  await settled();
  await say(chatter, 5);
  observer.send("job.subscribe", { job_id: job.id });
  const whole = history(observer, job.id, { from_job_seq: 5 });
  const truncated = history(observer, job.id);
  await settled();
  await say(job, 3);
  void observer.read();
  await settled(50);
  const replies = await Promise.all([whole, truncated].map((request) => observer.reply(request)));
  expect(replies.map(({ payload }) => payload.truncated)).toEqual([undefined, true]);
  expect(errors(observer).map(({ payload }) => payload.request_id)).toEqual([truncated]);
  expect(observer.stream.filter(({ job_id }) => job_id === job.id)).toEqual([]);
});

test("P3: the loss of an owner's history is reported before live events, which would pass for the rest of it", async () => {
  const { owner, job, onRead } = await keeping(20, 19);
  onRead(2, () => say(job, 5));
  const request = history(owner, job.id);
  await owner.reply(request);
  await settled(50);
  const told = owner.frames.findIndex(({ type }) => type === "session.error");
  const live = owner.frames.findIndex(({ job_seq }) => job_seq === 21);
  expect(owner.frames[told]?.payload.request_id).toBe(request);
  expect(told).toBeLessThan(live);
  expect(places(owner)).toEqual(dense(25));
});

test("P3: an observer whose second history is evicted during delivery loses its subscription, and gets no more", async () => {
  const { job, onRead, watch } = await keeping(300, 600);
  const observer = await watch();
  await observer.reply(observer.send("job.subscribe", { job_id: job.id }));
  // After the first page of the history, with the live position still in the log.
  onRead(3, () => say(job, 290));
  const request = history(observer, job.id);
  await settled();
  await say(job, 3);
  await settled();
  expect(errors(observer).map(({ payload }) => payload.request_id)).toEqual([request]);
  expect(places(observer)).toEqual(dense(256, 302));
  expect(observer.frames.at(-1)).toEqual(errors(observer)[0]);
});

/** An owner that has seen everything asks for the history again, and drops after the first page of it. */
async function droppedInHistory() {
  const rig = await keeping(400, 999);
  const { owner, job, onRead } = rig;
  expect(owner.seqs).toEqual(dense(1000));
  const page = Promise.withResolvers<void>();
  onRead(3, () => page.promise);
  const request = history(owner, job.id);
  await owner.reply(request);
  await settled();
  expect(owner.seqs).toEqual(dense(1256));
  owner.sever();
  await settled();
  page.resolve();
  await settled();
  return { ...rig, request };
}

test("R-6.3-9: an owner that dropped during a repeated history resumes where it was, though that history is gone", async () => {
  const { runtime, welcome, job, request } = await droppedInHistory();
  await say(job, 300);
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, 1256)).type).toBe("session.welcome");
  await settled();
  job.end("done");
  await again.terminal(job.id);
  expect(errors(again).map(({ payload }) => payload)).toMatchObject([
    { code: "RESUME_WINDOW_EXPIRED", job_id: job.id, request_id: request },
  ]);
  expect(again.seqs).toEqual(dense(301, 1257));
  expect(places(again)).toEqual(dense(301, 1001));
});

test("R-6.3-10: its resume is refused once the log no longer reaches back to where it was", async () => {
  const { runtime, welcome, job } = await droppedInHistory();
  await say(job, 401);
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, 1256)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test("R-7.2-8, P3: a new owner of a job is told what is missing, and keeps its session when more is evicted", async () => {
  const rig = hosting({ logLimits: { records: 10 } });
  const first = new Viewer(rig.runtime);
  await first.hello();
  const job = await rig.start(first, { idempotency_key: "k" });
  await say(job, 30);
  first.sever();
  await settled();
  rig.clock.advance(600_000);
  await settled();
  const second = new Viewer(rig.runtime);
  await second.hello();
  // Between the look at the log's floor and the reply that says what is missing.
  rig.store.held.reads.hold();
  const request = second.send("job.submit", {
    agent: "led",
    input: null,
    idempotency_key: "k",
  });
  await settled();
  await rig.store.held.reads.release();
  const accepted = await second.reply(request);
  expect(accepted).toMatchObject({ type: "job.accepted", payload: { truncated: true } });
  await say(job, 3);
  await rig.store.held.reads.open();
  await settled();
  expect(places(second)).toEqual(dense(10, 25));
  expect(errors(second)).toEqual([]);
});

test("R-7.2-8, P3: a history evicted before its new owner has read any of it costs that history alone", async () => {
  const rig = hosting({ logLimits: { records: 20 } });
  const first = new Viewer(rig.runtime);
  await first.hello();
  const job = await rig.start(first, { idempotency_key: "k" });
  await say(job, 19);
  first.sever();
  await settled();
  rig.clock.advance(600_000);
  await settled();
  const second = new Viewer(rig.runtime);
  await second.hello();
  rig.store.held.reads.hold();
  const request = second.send("job.submit", { agent: "led", input: null, idempotency_key: "k" });
  await settled();
  await rig.store.held.reads.release();
  expect((await second.reply(request)).payload.truncated).toBeUndefined();
  await say(job, 5);
  await rig.store.held.reads.open();
  await settled();
  expect(errors(second).map(({ payload }) => payload.request_id)).toEqual([request]);
  expect(places(second)).toEqual(dense(5, 21));
});

test("R-6.3-17: an owner that reads a finished job again loses only that history when the log is evicted", async () => {
  const rig = hosting({ totalLogCharacters: 7_000 });
  const owner = new Viewer(rig.runtime);
  const welcome = await owner.hello();
  const job = await rig.start(owner);
  await say(job, 20);
  job.end("done");
  await owner.terminal(job.id);
  const other = await rig.start(owner);
  await settled();
  const last = owner.stream.length;
  const { read } = rig.store.logs;
  let pages = 0;
  rig.store.logs.read = async (id, after, limits) => {
    // The first page only shows whether there is anything; the second one is delivered.
    if (id === job.id && limits.records > 0 && ++pages === 2) {
      for (let i = 0; i < 4; i++) await other.ctx.log.info("x".repeat(500));
      await other.ctx.flush();
    }
    return read(id, after, limits);
  };
  const request = history(owner, job.id);
  await owner.reply(request);
  await settled(50);
  expect(errors(owner).map(({ payload }) => payload.request_id)).toEqual([request]);
  expect(owner.seqs).toEqual(dense(last + 4));
  // Nothing holds the job any more; that the session follows the other one is known from its owning it.
  expect(await rig.store.sessions.attachments(welcome.session_id as SessionId)).toEqual([]);
});
