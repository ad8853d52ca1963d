import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type HeldStore, settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { Attachments } from "./attachments.ts";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";
import { isVisible } from "./view.ts";

const content = ({ job_id, job_seq, id, payload }: Frame) => ({ job_id, job_seq, id, payload });
const byNumber = (frames: readonly Frame[]) =>
  new Map(frames.map((frame) => [frame.event_seq, content(frame)]));

/** What every number means by the store alone, and so to a runtime that started on it now. */
async function durableMeaning(store: HeldStore, session: string, features: ReadonlySet<string>) {
  const meaning = new Map<number, unknown>();
  const journal = new Journal(await store.sessions.runs(session as never));
  for (let seq = 1; ; seq++) {
    const origin = journal.origin(seq);
    if (origin === undefined) return meaning;
    if (origin.said !== undefined) {
      meaning.set(seq, content(JSON.parse(`{${origin.said}`)));
      continue;
    }
    const page = await store.logs.read(origin.job, origin.jobSeq - 1, {
      records: 1,
      characters: 1,
    });
    const [record] = page.records;
    if (record === undefined || !isVisible(record, { features, role: origin.role })) {
      return meaning;
    }
    meaning.set(seq, content(JSON.parse(`{${record.text}`)));
  }
}

test("P1: bytes leave only once the runs that explain their numbers are durable", async () => {
  const { store, runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  store.held.sessions.hold();
  const job = await start(viewer);
  await job.ctx.log.info("numbered, but not explained yet");
  await job.ctx.flush();
  await settled();
  expect(viewer.stream).toEqual([]);
  await store.held.sessions.open();
  await settled();
  expect(viewer.seqs).toEqual(dense(2));
});

test("P1: at every moment the store alone explains every number that was sent", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          job: fc.nat({ max: 2 }),
          kind: fc.constantFrom("log", "progress", "pause", "drop", "subscribe", "ack"),
          count: fc.integer({ min: 1, max: 70 }),
        }),
        { minLength: 1, maxLength: 30 },
      ),
      async (steps) => {
        const features = new Set(["ack", ...ALL_FEATURES.filter((name) => name !== "progress")]);
        const { store, runtime, start } = hosting({ limits: { backPressureThreshold: 20 } });
        let viewer = new Viewer(runtime);
        let welcome = await viewer.hello([...features]);
        const jobs = [await start(viewer), await start(viewer), await start(viewer)];
        const seen: Frame[] = [];
        const check = async () => {
          const sent = byNumber([...seen, ...viewer.stream]);
          const meaning = await durableMeaning(store, welcome.session_id ?? "", features);
          for (const [seq, frame] of sent) expect(meaning.get(seq ?? 0)).toEqual(frame);
        };
        for (const { job, kind, count } of steps) {
          const { ctx, id } = jobs[job] ?? jobs[0]!;
          if (kind === "pause") await settled(count % 4);
          else if (kind === "log") for (let i = 0; i < count; i++) void ctx.log.info(`${i}`);
          else if (kind === "progress") void ctx.progress({ current: count });
          else if (kind === "subscribe") {
            viewer.send("job.subscribe", { job_id: id, history: true, from_job_seq: count });
          } else if (kind === "ack") {
            const last = viewer.stream.at(-1)?.event_seq ?? 0;
            viewer.send("session.ack", { last_processed_seq: Math.max(0, last - (count % 16)) });
          } else {
            seen.push(...viewer.stream);
            viewer.sever();
            const last = Math.max(0, ...seen.map(({ event_seq }) => event_seq ?? 0));
            viewer = new Viewer(runtime);
            welcome = await viewer.resume(welcome, Math.max(0, last - count));
            expect(welcome.type).toBe("session.welcome");
          }
          await check();
        }
        await settled();
        await check();
        const numbers = new Set([...seen, ...viewer.stream].map(({ event_seq }) => event_seq));
        expect([...numbers].sort((a = 0, b = 0) => a - b)).toEqual(dense(numbers.size));
        await runtime.close();
      },
    ),
    { numRuns: 60 },
  );
});

test("P1: a drop between the commit of a run and its bytes repeats nothing and loses nothing", async () => {
  const { store, runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const first = await start(viewer);
  const second = await start(viewer);
  await settled();
  const before = viewer.stream.length;

  store.held.sessions.hold();
  await first.ctx.log.info("first");
  await second.ctx.log.info("second");
  await settled();
  expect(store.held.sessions.waiting).toBeGreaterThan(0);
  viewer.sever();
  await settled();
  await store.held.sessions.open();

  await first.ctx.log.info("while away");
  const again = new Viewer(runtime);
  await again.resume(welcome, before);
  await settled();
  expect(again.seqs).toEqual(dense(3, before + 1));
  const messages = again.stream.map(({ payload }) => payload.body.message).sort();
  expect(messages).toEqual(["first", "second", "while away"]);
});

test("P2: every number means the same record in every replay, despite other features and hidden records", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  let welcome = await viewer.hello(ALL_FEATURES.filter((name) => name !== "progress"));
  const jobs = [await start(viewer), await start(viewer)];
  const total = { sent: 0 };
  for (let i = 0; i < 40; i++) {
    for (const { ctx } of jobs) {
      await ctx.progress({ current: i });
      await ctx.log.info(`visible ${i}`);
      if (i % 3 === 0) await ctx.progress({ current: i });
    }
  }
  // A hidden record last, before the drop.
  await jobs[0]?.ctx.progress({ current: 99 });
  await jobs[0]?.ctx.flush();
  await settled();
  total.sent = viewer.stream.length;
  expect(total.sent).toBe(2 * 41);
  const truth = byNumber(viewer.stream);

  let connection = viewer;
  for (const after of [0, 1, 17, 40, total.sent - 1, total.sent]) {
    connection.sever();
    connection = new Viewer(runtime);
    // The resume lists progress too: the session's first welcome decides (R-6.3-16).
    welcome = await connection.resume(welcome, after, ALL_FEATURES);
    expect(welcome.payload.capabilities.features).not.toContain("progress");
    await settled();
    expect(connection.seqs).toEqual(dense(total.sent - after, after + 1));
    for (const frame of connection.stream) {
      expect(content(frame)).toEqual(truth.get(frame.event_seq));
    }
  }
  await jobs[0]?.ctx.log.info("after all that");
  await settled();
  expect(connection.stream.at(-1)?.event_seq).toBe(total.sent + 1);
});

test("P2: a session that subscribes to its own job again stays its owner", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  await job.ctx.log.info("a");
  await settled();
  const reply = await viewer.reply(
    viewer.send("job.subscribe", { job_id: job.id, history: true }, { job_id: job.id }),
  );
  expect(reply.payload).toMatchObject({ replayed: true, subscribed_from: 2 });
  viewer.send("job.unsubscribe", { job_id: job.id }, { job_id: job.id });
  await job.ctx.log.info("b");
  await settled();
  // The owner cannot unsubscribe (R-7.6-8); history was sent again under new numbers, live events once (R-7.6-7).
  expect(viewer.stream.map(({ job_seq }) => job_seq)).toEqual([1, 2, 1, 2, 3]);
  expect(viewer.seqs).toEqual(dense(5));
});

test("P3: a resume from before the log's floor is refused, and the job goes on", async () => {
  const { runtime, start } = hosting({ logLimits: { records: 50 } });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const job = await start(viewer);
  for (let i = 0; i < 20; i++) await job.ctx.log.info(`${i}`);
  await settled();
  viewer.sever();
  for (let i = 20; i < 60; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();

  const late = new Viewer(runtime);
  expect((await late.resume(welcome, 3)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(await late.ended).toMatchObject({ reason: "refused" });
  expect(job.ctx.signal.aborted).toBe(false);

  // The refusal changed nothing: from where the log still reaches, the whole session can be resumed.
  const intime = new Viewer(runtime);
  expect((await intime.resume(welcome, 15)).type).toBe("session.welcome");
  await settled();
  expect(intime.seqs).toEqual(dense(46, 16));
});

test("P3: a resume from a number that was never issued is refused", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const job = await start(viewer);
  await settled();
  viewer.sever();
  await job.ctx.log.info("waits for a number");
  await job.ctx.flush();
  const late = new Viewer(runtime);
  expect((await late.resume(welcome, 2)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const caughtUp = new Viewer(runtime);
  await caughtUp.resume(welcome, 1);
  await settled();
  expect(caughtUp.seqs).toEqual([2]);
});

test("P3: a subscription to evicted history says truncated, and begins where the log does", async () => {
  const { runtime, start } = hosting({ logLimits: { records: 10 } });
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  for (let i = 0; i < 30; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();
  const observer = new Viewer(runtime);
  await observer.hello();
  const { payload } = await observer.reply(
    observer.send("job.subscribe", { job_id: job.id, history: true }, { job_id: job.id }),
  );
  expect(payload).toMatchObject({ replayed: true, truncated: true, last_job_seq: 31 });
  await settled();
  expect(observer.stream.map(({ job_seq }) => job_seq)).toEqual(dense(10, 22));
  expect(observer.seqs).toEqual(dense(10));
});

test("P3: an observer that falls behind the log's floor loses only that subscription, and is told", async () => {
  const { runtime, start } = hosting({ logLimits: { records: 2000 } });
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  const calm = await start(owner);
  const observer = new Viewer(runtime, { highWaterMark: 1000, read: false });
  observer.send("session.hello", {
    auth: { scheme: "bearer", token: "secret" },
    capabilities: { features: ALL_FEATURES },
  });
  const request = observer.send("job.subscribe", { job_id: job.id, history: true });
  observer.send("job.subscribe", { job_id: calm.id, history: true });
  await settled();
  for (let i = 0; i < 10_000; i++) await job.ctx.log.info(`flood ${i}`);
  await job.ctx.flush();
  void observer.read();
  const lost = await observer.find(({ type }) => type === "session.error");
  expect(lost.payload).toMatchObject({
    code: "RESUME_WINDOW_EXPIRED",
    job_id: job.id,
    request_id: request,
  });
  await calm.ctx.log.info("still watched");
  await observer.find(({ payload }) => payload.body?.message === "still watched");
  expect(observer.seqs).toEqual(dense(observer.stream.length));
  // What it saw of the flood is a beginning without a gap.
  const seen = observer.stream.filter(({ job_id }) => job_id === job.id);
  expect(seen.map(({ job_seq }) => job_seq)).toEqual(dense(seen.length));
  // The owner, which kept up, has everything.
  await settled();
  expect(owner.seqs).toEqual(dense(10_003));
});

test("P3: an owner that falls behind the log's floor loses its connection with an error, and its job goes on", async () => {
  const { runtime, start } = hosting({ logLimits: { records: 2000 } });
  const owner = new Viewer(runtime, { highWaterMark: 1000, read: false });
  owner.send("session.hello", {
    auth: { scheme: "bearer", token: "secret" },
    capabilities: { features: ALL_FEATURES },
  });
  const begun = start(owner);
  const reading = owner.read();
  const job = await begun;
  const stalled = new Viewer(runtime, { highWaterMark: 1000, read: false });
  const welcome = owner.frames[0];
  owner.sever();
  await reading;
  void stalled.resume(welcome as Frame, 0);
  await settled();
  for (let i = 0; i < 10_000; i++) await job.ctx.log.info(`flood ${i}`);
  await job.ctx.flush();
  const ended = stalled.read();
  const error = await stalled.find(({ type }) => type === "session.error");
  expect(error.payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(error.payload.request_id).toBeUndefined();
  expect(await ended).toMatchObject({ reason: "refused" });
  expect(stalled.frames.at(-1)).toBe(error);
  expect(stalled.seqs).toEqual(dense(stalled.stream.length));
  expect(job.ctx.signal.aborted).toBe(false);
});

test("an end recorded while the session was parked is delivered on resume", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const job = await start(viewer);
  await settled();
  viewer.sever();
  await settled();
  job.end();
  await settled();
  const back = new Viewer(runtime);
  await back.resume(welcome, 1);
  expect((await back.terminal(job.id)).event_seq).toBe(2);
  // Once it was seen, nothing remains to be sent.
  back.sever();
  const again = new Viewer(runtime);
  expect(
    (await again.resume(await back.find(({ type }) => type === "session.welcome"), 2)).type,
  ).toBe("session.welcome");
  await settled();
  expect(again.stream).toEqual([]);
});

test("a flood of one job delays its session's other jobs by a batch, not by its length", async () => {
  const { store, runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const noisy = await start(viewer);
  const quiet = await start(viewer);
  await settled();
  store.held.logs.hold();
  for (let i = 0; i < 3000; i++) void noisy.ctx.log.info(`${i}`);
  await quiet.ctx.log.info("one word");
  await store.held.logs.open();
  const word = await viewer.find(({ payload }) => payload.body?.message === "one word");
  expect(word.event_seq).toBeLessThan(600);
});

test("R-D-5: a job counts as followed until its end is handed over", async () => {
  const send = vi.spyOn(Outbox.prototype, "send");
  const detach = vi.spyOn(Attachments.prototype, "detach");
  try {
    const { runtime, start } = hosting();
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const job = await start(viewer);
    job.end();
    await viewer.find(({ type }) => type === "job.result");
    const last = send.mock.calls.findIndex(([frames]) =>
      frames.some((f) => f.includes("job.result")),
    );
    const [handedOver, left] = [
      send.mock.invocationCallOrder[last] ?? 0,
      detach.mock.invocationCallOrder[0] ?? 0,
    ];
    expect(handedOver).toBeGreaterThan(0);
    expect(left).toBeGreaterThan(handedOver);
  } finally {
    send.mockRestore();
    detach.mockRestore();
  }
});
