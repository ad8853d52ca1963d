import fc from "fast-check";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosts, type LedRun } from "../test/hosts.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../test/viewer.ts";
import { tokenTable } from "./auth.ts";
import { createRuntime } from "./runtime.ts";
import { memoryStore } from "./store/memory-store.ts";

const THRESHOLD = 20;
const DAY = 24 * 60 * 60 * 1000;
const machine = () => hosts({ limits: { backPressureThreshold: THRESHOLD } });

const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
const content = ({ event_seq, id, job_id, job_seq, payload }: Frame) => ({
  event_seq,
  id,
  job_id,
  job_seq,
  payload,
});

test("R-6.3-20, R-7.3-10: after a crash a session goes on where it was, and its job has exactly one end", async () => {
  const { start, submit } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const job = await submit(before);
  for (let i = 0; i < 10; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();
  await settled();
  expect(before.seqs).toEqual(dense(11));

  const after = new Viewer(start());
  expect((await after.resume(welcome, 4)).session_id).toBe(welcome.session_id);
  const end = await after.terminal(job.id);
  expect(end.payload).toMatchObject({
    code: "INTERNAL_ERROR",
    final_status: "error",
    retryable: true,
  });
  expect(after.seqs).toEqual(dense(8, 5));
  expect(after.stream.slice(0, 7).map(content)).toEqual(before.stream.slice(4).map(content));
});

test("R-7.4-2: a job whose cancel was acknowledged ends as cancelled, even by the next process", async () => {
  const { start, submit } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const job = await submit(before);
  await before.reply(before.send("job.cancel", { reason: "enough" }, { job_id: job.id }));
  await settled();
  const after = new Viewer(start());
  await after.resume(welcome, 1);
  const { payload } = await after.terminal(job.id);
  expect(payload).toMatchObject({ code: "CANCELLED", final_status: "cancelled" });
});

test("a subscriber to a job that a crash ended is told its budget, spent or not", async () => {
  const { start, submit } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const lease_request = { "cost.budget": ["USD:1"] };
  const idle = await submit(before, { lease_request });
  const busy = await submit(before, { lease_request });
  await busy.ctx.metric({ name: "cost.search", value: 0.25, unit: "USD" });
  await busy.ctx.flush();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  for (const [{ id }, budget] of [
    [idle, { USD: 1 }],
    [busy, { USD: 0.75 }],
  ] as const) {
    const { payload } = await after.reply(after.send("job.subscribe", { job_id: id }));
    expect(payload).toMatchObject({ current_status: "error", budget });
  }
});

test("R-9.6-11: what was not reported of a budget before a crash is reported right before the end", async () => {
  const { start, submit } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const lease_request = { "cost.budget": ["USD:1", "EUR:2"] };
  const { ctx, id } = await submit(before, { lease_request });
  for (const value of [0.25, 0.01, 0.01]) {
    await ctx.metric({ name: "cost.search", value, unit: "USD" });
  }
  await ctx.flush();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  await after.terminal(id);
  const told = after.stream.filter(
    ({ payload: { body } }) => body?.name === "cost.budget.remaining",
  );
  expect(told.map(({ payload: { body } }) => [body.unit, body.value])).toEqual([
    ["USD", 0.75],
    ["USD", 0.73],
  ]);
  const jobSeqs = after.stream.map(({ job_seq }) => job_seq);
  expect(jobSeqs).toEqual(dense(jobSeqs.length));
});

test("J3: a job whose end was recorded when the process died gets no second one, and its state is corrected", async () => {
  const { start, submit, store } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const job = await submit(before);
  const { update } = store.jobs;
  // The process dies between the terminal record and the index.
  store.jobs.update = () => new Promise(() => {});
  job.end("done");
  await before.terminal(job.id);
  store.jobs.update = update;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  await after.terminal(job.id);
  await settled();
  expect(after.stream.filter(({ type }) => type !== "job.event")).toHaveLength(1);
  expect((await store.jobs.get(job.id as never))?.status).toBe("success");
});

test("R-5.4-8, R-6.3-8: a submit whose reply a crash lost is answered on resume; repeating it makes no second job", async () => {
  const { start, submit, store } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const request = before.send("job.submit", { agent: "led" });
  const { payload } = await before.reply(request);
  await settled();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  const told = await after.find(({ type }) => type === "job.accepted");
  expect(told.payload).toEqual(payload);
  after.frames.length = 0;
  after.sendAs(request, "job.submit", { agent: "led" });
  expect((await after.reply(request)).payload).toEqual(payload);
  expect(await store.jobs.list({ limit: 10 })).toHaveLength(1);
  void submit;
});

test("R-6.3-8: a job accepted right before a crash belongs to its session, even if the session never stored that", async () => {
  const { start, store } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const { commit } = store.sessions;
  store.sessions.commit = () => new Promise(() => {});
  const request = before.send("job.submit", { agent: "led" });
  await settled();
  store.sessions.commit = commit;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  const told = await after.reply(request);
  expect(told.type).toBe("job.accepted");
  expect((await after.terminal(told.job_id)).payload.code).toBe("INTERNAL_ERROR");
});

test("R-6.3-11: after a crash the resume window counts from the restart, and then the session is gone", async () => {
  const { start, submit, clock } = machine();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const job = await submit(before);
  await settled();
  clock.advance(3_600_000);
  const runtime = start();
  await settled();
  clock.advance(599_999);
  const inTime = new Viewer(runtime);
  const again = await inTime.resume(welcome, 1);
  expect(again.type).toBe("session.welcome");
  inTime.sever();
  await settled();
  clock.advance(600_000);
  await settled();
  const late = new Viewer(runtime);
  expect((await late.resume(again, 1)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  void job;
});

test("P3: a session in the midst of being ended by a crashed process is gone, and its numbers mean nothing else", async () => {
  const { start, submit, clock, store } = machine();
  const runtime = start();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await submit(owner);
  const before = new Viewer(runtime);
  const welcome = await before.hello();
  before.send("job.subscribe", { job_id: job.id, history: true }, { job_id: job.id });
  await settled();
  before.sever();
  await settled();
  store.sessions.forget = () => new Promise(() => {});
  clock.advance(600_000);
  await settled();
  const after = new Viewer(start());
  expect((await after.resume(welcome, 1)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test("R-7.3-11, R-7.6-1: only its own principal can watch a job finished by an earlier process, with its history", async () => {
  const { start, submit } = machine();
  const before = new Viewer(start());
  await before.hello();
  const job = await submit(before, { lease_request: { "cost.budget": ["credits:1"] } });
  await job.ctx.metric({ name: "cost.work", value: 0.1, unit: "credits" });
  job.end("done");
  await before.terminal(job.id);
  await settled();
  const runtime = start();
  const observer = new Viewer(runtime);
  await observer.hello();
  const { payload } = await observer.reply(
    observer.send("job.subscribe", { job_id: job.id, history: true }),
  );
  expect(payload).toMatchObject({
    current_status: "success",
    replayed: true,
    budget: { credits: 0.9 },
  });
  await observer.terminal(job.id);
  expect(observer.stream.map(({ job_seq }) => job_seq)).toEqual(
    before.stream.map(({ job_seq }) => job_seq),
  );
  const stranger = new Viewer(runtime);
  await stranger.hello(ALL_FEATURES, "other");
  const refused = await stranger.reply(
    stranger.send("job.subscribe", { job_id: job.id, history: true }),
  );
  expect(refused.payload.code).toBe("JOB_NOT_FOUND");
});

test("P1: whatever the moments of crashes and drops, every number keeps meaning the same record", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          kind: fc.constantFrom("log", "hidden", "submit", "drop", "crash", "pause", "ack"),
          count: fc.integer({ min: 1, max: 40 }),
        }),
        { minLength: 5, maxLength: 25 },
      ),
      async (steps) => {
        const { start, submit, store } = machine();
        let runtime = start();
        let viewer = new Viewer(runtime);
        const features = ALL_FEATURES.filter((name) => name !== "progress");
        let welcome = await viewer.hello(["ack", ...features]);
        let jobs = [await submit(viewer)];
        const truth = new Map<number, unknown>();
        let last = 0;
        const learn = () => {
          for (const frame of viewer.stream) {
            const seq = frame.event_seq ?? 0;
            if (truth.has(seq)) expect(content(frame)).toEqual(truth.get(seq));
            else expect(seq).toBe(last + 1);
            truth.set(seq, content(frame));
            last = Math.max(last, seq);
          }
          viewer.frames.length = 0;
        };
        const comeBack = async (lost: number) => {
          learn();
          viewer = new Viewer(runtime);
          welcome = await viewer.resume(welcome, Math.max(0, last - lost));
          expect(welcome.type).toBe("session.welcome");
        };
        for (const { kind, count } of steps) {
          const { ctx } = jobs[count % jobs.length] ?? jobs[0]!;
          if (kind === "log") for (let i = 0; i < count; i++) void ctx.log.info(`${i}`);
          else if (kind === "hidden") void ctx.progress({ current: count });
          else if (kind === "pause") await settled(count % 5);
          else if (kind === "submit") jobs.push(await submit(viewer));
          else if (kind === "ack") {
            learn();
            viewer.send("session.ack", { last_processed_seq: Math.max(0, last - (count % 10)) });
          } else if (kind === "drop") {
            viewer.sever();
            await comeBack(count);
          } else {
            runtime = start();
            await comeBack(count);
            jobs = [await submit(viewer)];
          }
        }
        for (const job of jobs) job.end("done");
        await settled();
        learn();
        expect([...truth.keys()].sort((a, b) => a - b)).toEqual(dense(truth.size));
        // Every record that this viewer may see arrived exactly once.
        const frames = [...truth.values()] as Frame[];
        const told = frames
          .filter(({ job_seq }) => job_seq !== undefined)
          .map(({ job_id, job_seq }) => `${job_id} ${job_seq}`);
        const kept: string[] = [];
        for (const { id } of await store.jobs.list({ limit: 100 })) {
          const { records } = await store.logs.read(id, 0, { records: 1e6, characters: 1e9 });
          for (const [i, { kind }] of records.entries()) {
            if (kind !== "progress") kept.push(`${id} ${i + 1}`);
          }
        }
        expect(told.sort()).toEqual(kept.sort());
        // From half the threshold to above it is more than half the threshold (R-6.5-8).
        const notices = frames.filter(({ job_seq }) => job_seq === undefined);
        for (const [i, { event_seq = 0 }] of notices.entries()) {
          expect(event_seq - (notices[i - 1]?.event_seq ?? 0)).toBeGreaterThan(THRESHOLD / 2);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("a store that cannot be taken over is reported to every client, and the process lives", async () => {
  const store = memoryStore();
  store.jobs.list = () => Promise.reject(new Error("disk broken"));
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice" }),
    store,
    logger: pino({ level: "silent" }),
  });
  const viewer = new Viewer(runtime);
  const answer = await viewer.hello();
  expect(answer).toMatchObject({ type: "session.error", payload: { code: "INTERNAL_ERROR" } });
  expect(answer.payload.message).not.toContain("disk");
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
  await runtime.close();
});

test("R-14-3 and R-10-2: a grandchild is kept for its owner, however the calendar was set before a restart", async () => {
  const { start, submit, nextRun, clock } = hosts();
  const first = start();
  const viewer = new Viewer(first);
  const welcome = await viewer.hello();
  const lease = { "agent.delegate": ["led"] };
  const parent = await submit(viewer, { lease_request: lease });
  await settled();
  const seen = viewer.seqs.at(-1) ?? 0;
  viewer.sever();
  await settled();
  const delegate = async ({ ctx }: Pick<LedRun, "ctx">) => {
    const run = nextRun();
    const child = await ctx.delegate("led", null, { lease });
    return { child, ...(await run) };
  };
  const child = await delegate(parent);
  clock.jump(-60_000);
  const last = await delegate(child);
  last.end("far");
  await last.child.result();
  await settled();
  const limits = { retentionSec: 100, resumeWindowSec: 1000 };
  const second = start({ limits });
  for (let i = 0; i < 60; i++) {
    clock.advance(10_000);
    await settled();
  }
  const back = new Viewer(second);
  await back.resume(welcome, seen);
  expect((await back.terminal(last.child.id)).payload).toMatchObject({ result: "far" });
});

test("R-14-3: setting the wall clock back between two processes keeps no finished job longer, with a key or without", async () => {
  const { start, submit, clock, store } = machine();
  const before = new Viewer(start());
  await before.hello();
  const jobs = [await submit(before), await submit(before, { idempotency_key: "key" })];
  for (const { end } of jobs) end("done");
  await Promise.all(jobs.map(({ id }) => before.terminal(id)));
  clock.jump(-365 * DAY);
  start({ limits: { retentionSec: 1000 } });
  const kept = async () => (await store.jobs.list({ limit: 10 })).map(({ id }) => id as string);
  const pass = async (ms: number) => {
    await settled();
    clock.advance(ms);
    await settled();
    return kept();
  };
  expect(await pass(999_999)).toHaveLength(2);
  expect(await pass(11_000)).toEqual([jobs[1]?.id]);
  expect(await pass(DAY - 1_011_000)).toEqual([jobs[1]?.id]);
  expect(await pass(11_000)).toEqual([]);
});
