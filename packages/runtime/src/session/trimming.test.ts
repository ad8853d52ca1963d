import { type JobId, ManualClock, type SessionId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { AgentContext } from "../agents/context.ts";
import { tokenTable } from "../auth.ts";
import type { Limits } from "../limits.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import type { Store } from "../store/index.ts";
import { memoryStore } from "../store/memory-store.ts";

const ACKING = [...ALL_FEATURES, "ack"];
const RETENTION = 60_000;
const WINDOW = 600_000;

interface Led {
  readonly id: JobId;
  readonly ctx: AgentContext;
  readonly end: (value?: unknown) => void;
}

/** Consecutive processes on one store; the calls of a dead one are never answered. */
function machine(limits: Limits = {}) {
  const inner = memoryStore();
  const clock = new ManualClock();
  const begun = new Map<string, PromiseWithResolvers<Omit<Led, "id">>>();
  let generation = 0;
  const led = (id: string) => {
    const known = begun.get(id) ?? Promise.withResolvers<Omit<Led, "id">>();
    begun.set(id, known);
    return known;
  };
  const begin = (): Runtime => {
    generation += 1;
    const own = generation;
    const alive = <T extends object>(part: T): T =>
      new Proxy(part, {
        get(target, name) {
          const member = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return (...args: unknown[]) =>
            own === generation ? member.apply(target, args) : new Promise(() => {});
        },
      });
    const store: Store = {
      ...inner,
      logs: alive(inner.logs),
      jobs: alive(inner.jobs),
      sessions: alive(inner.sessions),
      idempotency: alive(inner.idempotency),
    };
    const agent = defineAgent({
      name: "led",
      run(ctx) {
        const outcome = Promise.withResolvers<unknown>();
        led(ctx.job.id).resolve({ ctx, end: outcome.resolve });
        return outcome.promise;
      },
    });
    return createRuntime({
      agents: [agent],
      auth: tokenTable({ secret: "alice" }),
      store,
      clock,
      logger: pino({ level: "silent" }),
      limits: { ...limits, retentionSec: RETENTION / 1000, resumeWindowSec: WINDOW / 1000 },
    });
  };
  const start = async (viewer: Viewer): Promise<Led> => {
    const { job_id = "" } = await viewer.submit("led");
    return { id: job_id as JobId, ...(await led(job_id).promise) };
  };
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      clock.advance(10_000);
      await settled(5);
    }
  };
  const runsOf = ({ session_id = "" }: Frame) => inner.sessions.runs(session_id as SessionId);
  return { begin, start, pass, clock, store: inner, runsOf };
}

const ack = async (viewer: Viewer, seq: number) => {
  viewer.send("session.ack", { last_processed_seq: seq });
  await settled();
};
const say = async ({ ctx }: Led, count: number) => {
  for (let i = 0; i < count; i++) await ctx.log.info(`${i}`);
  await ctx.flush();
  await settled();
};
const lastSeq = (viewer: Viewer): number => viewer.stream.at(-1)?.event_seq ?? 0;
const isWelcome = ({ type }: Frame): boolean => type === "session.welcome";

/** An observer of two jobs that take turns, each time in a run of its own; it acknowledges everything. */
async function watching(rig: ReturnType<typeof machine>, rounds: number) {
  const runtime = rig.begin();
  const owner = new Viewer(runtime);
  await owner.hello(ACKING);
  const jobs = [await rig.start(owner), await rig.start(owner)];
  await settled();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  for (const { id } of jobs) await viewer.reply(viewer.send("job.subscribe", { job_id: id }));
  const round = async () => {
    for (const job of jobs) await say(job, 1);
    await ack(viewer, lastSeq(viewer));
  };
  for (let i = 0; i < rounds; i++) await round();
  return { runtime, owner, jobs, viewer, welcome, round };
}

test("R-6.5-2: an observer's journal keeps no more than what is not acknowledged, in memory and in the store", async () => {
  const rig = machine();
  const { viewer, welcome } = await watching(rig, 100);
  expect(viewer.seqs).toEqual(dense(200));
  expect((await rig.runsOf(welcome)).length).toBeLessThan(80);
});

test("R-6.5-7, R-6.3-20: a notice in between does not hide how far a job was read", async () => {
  const rig = machine({ backPressureThreshold: 60 });
  const { jobs, viewer, welcome } = await watching(rig, 0);
  const isNotice = ({ payload }: Frame) => payload.body?.phase === "back_pressure";
  while (!viewer.stream.some(isNotice)) for (const job of jobs) await say(job, 1);
  await ack(viewer, lastSeq(viewer));
  expect((await rig.runsOf(welcome)).length).toBeLessThan(10);
  const back = new Viewer(rig.begin());
  await back.resume(welcome, lastSeq(viewer));
  await settled();
  const told = new Set(viewer.stream.map(({ id }) => id));
  expect(back.stream.filter(({ id }) => told.has(id))).toEqual([]);
});

test("R-6.3-10, P3: a resume from before what is trimmed is refused, one from after it goes on, even after a crash", async () => {
  for (const crash of [false, true]) {
    const rig = machine();
    const { runtime, jobs, viewer, welcome } = await watching(rig, 100);
    for (const job of jobs) await say(job, 2);
    expect(viewer.seqs).toEqual(dense(204));
    viewer.sever();
    await settled();
    const next = crash ? rig.begin() : runtime;
    expect((await new Viewer(next).resume(welcome, 3)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
    const back = new Viewer(next);
    expect((await back.resume(welcome, 200)).type).toBe("session.welcome");
    await settled();
    // The job that the crash ended has an end behind it.
    expect(back.seqs.slice(0, 4)).toEqual(dense(4, 201));
    expect(back.seqs).toEqual(dense(crash ? 6 : 4, 201));
    expect(back.stream.slice(0, 4).map(({ id }) => id)).toEqual(
      viewer.stream.slice(200).map(({ id }) => id),
    );
  }
});

test("P1: an observer's position in a job survives the loss of all its runs but the newest", async () => {
  const rig = machine();
  const { viewer, welcome, jobs } = await watching(rig, 100);
  // The other one is silent from here on, while runs come and go.
  const [busy, quiet] = jobs as [Led, Led];
  const third = await rig.start(viewer);
  for (let i = 0; i < 60; i++) {
    await say(busy, 1);
    await say(third, 1);
    await ack(viewer, lastSeq(viewer));
  }
  const last = lastSeq(viewer);
  const told = new Set(viewer.stream.map(({ id }) => id));
  const back = new Viewer(rig.begin());
  expect(isWelcome(await back.resume(welcome, last))).toBe(true);
  await settled();
  // Of the quiet one only its end is sent again.
  expect(back.seqs).toEqual(dense(back.stream.length, last + 1));
  expect(back.stream.filter(({ id }) => told.has(id))).toEqual([]);
  expect(back.stream.filter(({ job_id }) => job_id === quiet.id)).toHaveLength(1);
});

test("R-6.5-1: a replay in progress still repeats what is acknowledged meanwhile", async () => {
  const rig = machine();
  const { runtime, jobs, viewer, welcome } = await watching(rig, 2);
  await ack(viewer, 4);
  // More than one batch holds: the rest is looked up after the acks.
  for (let i = 0; i < 200; i++) for (const job of jobs) await say(job, 1);
  expect(viewer.seqs).toEqual(dense(404));
  viewer.sever();
  await settled();
  const slow = new Viewer(runtime, { highWaterMark: 1000, read: false });
  slow.send("session.resume", {
    auth: { scheme: "bearer", token: "secret" },
    resume_token: welcome.payload.resume_token,
    last_event_seq: 4,
  });
  await settled();
  // It had them all from the connection before, and acknowledges them.
  await ack(slow, 404);
  await ack(slow, 404);
  await Promise.race([slow.read(), slow.find(({ event_seq }) => event_seq === 404)]);
  expect(slow.seqs).toEqual(dense(400, 5));
});

test("R-6.3-9: a client resumes where it was even if the job of its last event was removed before the crash", async () => {
  for (const features of [ACKING, ALL_FEATURES]) {
    const rig = machine();
    const runtime = rig.begin();
    const viewer = new Viewer(runtime);
    const welcome = await viewer.hello(features);
    const job = await rig.start(viewer);
    await say(job, 5);
    job.end("done");
    await viewer.terminal(job.id);
    await ack(viewer, 7);
    await rig.pass(RETENTION + WINDOW + 20_000);
    expect(await rig.store.jobs.get(job.id)).toBeUndefined();
    const next = rig.begin();
    expect((await new Viewer(next).resume(welcome, 3)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
    const back = new Viewer(next);
    expect(isWelcome(await back.resume(welcome, 7))).toBe(true);
    const other = await rig.start(back);
    await settled();
    expect(back.seqs).toEqual([8]);
    other.end("done");
    await back.terminal(other.id);
  }
});

test("R-6.3-18: runs are removed with their jobs in a session that lives on, and the rest translates", async () => {
  const rig = machine();
  const runtime = rig.begin();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  const staying = await rig.start(viewer);
  for (let i = 0; i < 60; i++) {
    const job = await rig.start(viewer);
    await say(job, 2);
    await say(staying, 1);
    job.end("done");
    await viewer.terminal(job.id);
    await settled();
    await ack(viewer, lastSeq(viewer));
  }
  const before = (await rig.runsOf(welcome)).length;
  expect(before).toBeGreaterThan(120);
  await rig.pass(RETENTION + 20_000);
  const after = await rig.runsOf(welcome);
  expect(after.length).toBeLessThan(110);
  expect(after.some(({ job }) => job === staying.id)).toBe(true);
  // Its own numbers still say where it was in the job that is kept (R-7.6-5).
  const events = viewer.stream.filter(({ job_id }) => job_id === staying.id);
  const middle = events[30] as Frame;
  const other = new Viewer(runtime);
  await other.hello(ACKING);
  await other.reply(
    other.send("job.subscribe", {
      job_id: staying.id,
      history: true,
      from_event_seq: middle.event_seq,
    }),
  );
  await settled();
  expect(other.stream.map(({ job_seq }) => job_seq)).toEqual(
    dense(events.length - 31, (middle.job_seq ?? 0) + 1),
  );
});

test("R-14-3: for a client without acks a job is kept until what was sent of it is a resume window old", async () => {
  const rig = machine();
  const runtime = rig.begin();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ALL_FEATURES);
  const job = await rig.start(viewer);
  await say(job, 3);
  job.end("done");
  await viewer.terminal(job.id);
  await rig.pass(WINDOW - 20_000);
  viewer.sever();
  const back = new Viewer(runtime);
  expect(isWelcome(await back.resume(welcome, 0))).toBe(true);
  await back.terminal(job.id);
  await settled();
  // Sent once more, it may be lost once more.
  await rig.pass(WINDOW - 20_000);
  expect(await rig.store.jobs.get(job.id)).toBeDefined();
  await rig.pass(40_000);
  expect(await rig.store.jobs.get(job.id)).toBeUndefined();
});

test("R-14-3: after a restart what was sent at an unknown time counts as just sent", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.begin());
  const welcome = await viewer.hello(ALL_FEATURES);
  const job = await rig.start(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  await rig.pass(RETENTION / 2);
  const next = rig.begin();
  await rig.pass(WINDOW / 2);
  const back = new Viewer(next);
  expect(isWelcome(await back.resume(welcome, 0))).toBe(true);
  expect((await back.terminal(job.id)).payload.result).toBe("done");
});

test("R-6.5-3: an ack releases a job within seconds, however long the retention", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.begin());
  await viewer.hello(ACKING);
  const job = await rig.start(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  await rig.pass(RETENTION * 3);
  expect(await rig.store.jobs.get(job.id)).toBeDefined();
  await ack(viewer, 2);
  await rig.pass(10_000);
  expect(await rig.store.jobs.get(job.id)).toBeUndefined();
});

test("R-6.3-18: a forgotten session leaves nothing of the jobs that it only watched", async () => {
  const rig = machine();
  const { viewer, welcome } = await watching(rig, 10);
  const own = await rig.start(viewer);
  await say(own, 3);
  viewer.sever();
  await settled();
  await rig.pass(WINDOW + 10_000);
  const left = await rig.runsOf(welcome);
  expect(left.filter(({ job }) => job === own.id)).not.toEqual([]);
  // For each job that it followed, one run says how far it was.
  expect(left.length).toBeLessThan(5);
  expect(left.at(-1)?.to).toBe(lastSeq(viewer));
});

test("P3: a replay that reaches numbers whose meaning was removed meanwhile ends the connection, and skips nothing", async () => {
  const { runtime, store, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello(ACKING);
  const jobs = [await start(owner), await start(owner)];
  await settled();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  for (const { id } of jobs) await viewer.reply(viewer.send("job.subscribe", { job_id: id }));
  for (let i = 0; i < 50; i++) for (const job of jobs) await say(job, 1);
  expect(viewer.seqs).toEqual(dense(100));
  // Everything is there when the resume is checked; while it waits for the store, the old connection acknowledges it.
  store.held.claims.hold();
  const back = new Viewer(runtime);
  const resumed = back.resume(welcome, 3);
  await settled();
  expect(store.held.claims.waiting).toBe(1);
  await ack(viewer, 100);
  await store.held.claims.open();
  expect(isWelcome(await resumed)).toBe(true);
  await back.ended;
  expect(back.frames.at(-1)?.payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(back.seqs).toEqual([]);
});

test("R-6.3-20: a position that a restart reads from a run that ends at a gap ends there as well", async () => {
  const rig = machine();
  const runtime = rig.begin();
  const owner = new Viewer(runtime);
  await owner.hello(ACKING);
  const watched = await rig.start(owner);
  await settled();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ACKING);
  await viewer.reply(viewer.send("job.subscribe", { job_id: watched.id }));
  // One run of the watched job, then many of others that are removed.
  await say(watched, 3);
  for (let i = 0; i < 40; i++) {
    const job = await rig.start(viewer);
    await settled();
    job.end("done");
    await viewer.terminal(job.id);
    await settled();
  }
  await ack(viewer, lastSeq(viewer));
  await rig.pass(RETENTION + 20_000);
  const last = lastSeq(viewer);
  const runs = await rig.runsOf(welcome);
  expect(runs.length).toBeLessThan(40);
  expect(runs.find(({ job }) => job === watched.id)?.to).toBe(3);
  const back = new Viewer(rig.begin());
  expect(isWelcome(await back.resume(welcome, last))).toBe(true);
  const end = await back.terminal(watched.id);
  // What follows what it had read, and nothing else.
  expect([end.event_seq, end.job_seq]).toEqual([last + 1, 5]);
  expect(back.stream).toHaveLength(1);
});

test("R-14-2, P3: a session with endless concurrent jobs keeps its newest numbers; older resumes are refused", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.begin());
  const welcome = await viewer.hello();
  const jobs = await Promise.all(Array.from({ length: 256 }, () => rig.start(viewer)));
  // A run for each record.
  for (let round = 0; round < 260; round++) {
    for (const { ctx } of jobs) void ctx.log.info("");
    await jobs[0]?.ctx.flush();
    await settled(2);
  }
  await settled();
  const last = lastSeq(viewer);
  expect(last).toBe(256 * 261);
  expect((await rig.runsOf(welcome)).length).toBeLessThan(last - 10_000);
  viewer.sever();
  await settled();
  const next = rig.begin();
  expect((await new Viewer(next).resume(welcome, 1000)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const back = new Viewer(next);
  expect(isWelcome(await back.resume(welcome, last - 40_000))).toBe(true);
  await settled(400);
  expect(back.stream.slice(0, 40_000).map(({ id }) => id)).toEqual(
    viewer.stream.slice(-40_000).map(({ id }) => id),
  );
});
