import type { JobId, SessionId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { type Frame, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { Runtime } from "./runtime.ts";

const WINDOW = 600_000;
const orphaned = {
  final_status: "cancelled",
  code: "CANCELLED",
  message: "nobody came back for the job: its session was not resumed in time",
  retryable: false,
  details: { reason: "session_ended" },
};

type Hosting = ReturnType<typeof hosting>;

/** The connection breaks, and nobody resumes its session. */
async function abandoned({ clock }: Pick<Hosting, "clock">, ...viewers: Viewer[]): Promise<void> {
  for (const viewer of viewers) viewer.sever();
  await settled();
  clock.advance(WINDOW);
  await settled();
}

/** A new session, here of `alice` unless another token is given. */
async function arrival(runtime: Runtime, token?: string): Promise<Viewer> {
  const viewer = new Viewer(runtime);
  await viewer.hello(undefined, token);
  return viewer;
}

/** Follows a job from a session of its own, from the first event. */
async function watching(runtime: Runtime, job: string, token?: string): Promise<Viewer> {
  const viewer = await arrival(runtime, token);
  await viewer.reply(viewer.send("job.subscribe", { history: true }, { job_id: job }));
  return viewer;
}

/** How the log says that a job ended. */
async function endOf(
  { runtime }: Pick<Hosting, "runtime">,
  job: string,
): Promise<Frame["payload"]> {
  return (await (await watching(runtime, job)).terminal(job)).payload;
}

test("R-6.3-18: a job ends when its session is not resumed in time, if the operator chose so, and its agent may tidy up", async () => {
  const rig = hosting({ cancelOrphans: true });
  const viewer = await arrival(rig.runtime);
  const job = await rig.start(viewer);
  viewer.sever();
  await settled();
  rig.clock.advance(WINDOW - 1);
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
  rig.clock.advance(1);
  await settled();
  expect(job.ctx.signal.reason).toMatchObject({ code: "CANCELLED", message: orphaned.message });
  await job.ctx.log.info("tidied up");
  const watcher = await watching(rig.runtime, job.id);
  await watcher.find(({ payload }) => payload.body?.message === "tidied up");
  job.end("too late");
  expect((await watcher.terminal(job.id)).payload).toEqual(orphaned);
  expect(await rig.runtime.jobs.get(job.id)).toMatchObject({ status: "cancelled" });
});

test("R-7.4-4: an orphan whose agent does not stop ends after the grace period", async () => {
  const rig = hosting({ cancelOrphans: true });
  const viewer = await arrival(rig.runtime);
  const job = await rig.start(viewer);
  await abandoned(rig, viewer);
  rig.clock.advance(29_999);
  await settled();
  expect(await rig.runtime.jobs.get(job.id)).toMatchObject({ status: "running" });
  rig.clock.advance(1);
  expect(await endOf(rig, job.id)).toEqual(orphaned);
});

test("R-6.3-18: by default a job without a session continues, and so does one whose session an operator ended", async () => {
  for (const cancelOrphans of [undefined, false, true]) {
    const rig = hosting({ cancelOrphans });
    const viewer = new Viewer(rig.runtime);
    const { session_id = "" } = await viewer.hello();
    const job = await rig.start(viewer);
    if (cancelOrphans) await rig.runtime.sessions.end(session_id);
    await abandoned(rig, viewer);
    expect(rig.runtime.sessions.list()).toEqual([]);
    expect(job.ctx.signal.aborted).toBe(false);
    job.end("done");
    expect(await endOf(rig, job.id)).toMatchObject({ result: "done" });
  }
});

test("R-7.2-8, R-6.3-18: a job that a resubmission adopts is no orphan, until nobody comes back for it again", async () => {
  const rig = hosting({ cancelOrphans: true });
  const first = await arrival(rig.runtime);
  const key = { idempotency_key: "k" };
  const job = await rig.start(first, key);
  // The client has lost its session and submits again while the session still waits: so far it only observes.
  first.sever();
  const heir = await arrival(rig.runtime);
  expect((await heir.submit("led", null, key)).job_id).toBe(job.id);
  await abandoned(rig, first);
  expect(job.ctx.signal.aborted).toBe(false);
  // With its session gone, the third one adopts the job.
  await heir.submit("led", null, key);
  const third = await arrival(rig.runtime);
  await third.submit("led", null, key);
  await abandoned(rig, third);
  expect(job.ctx.signal.aborted).toBe(false);
  await abandoned(rig, heir);
  job.end();
  expect(await endOf(rig, job.id)).toEqual(orphaned);
});

test("R-7.2-8, R-6.3-18: a job is no orphan while its adoption is being stored", async () => {
  const rig = hosting({ cancelOrphans: true });
  const [owner, observer] = [await arrival(rig.runtime), await arrival(rig.runtime)];
  const key = { idempotency_key: "k" };
  const job = await rig.start(owner, key);
  await observer.submit("led", null, key);
  await abandoned(rig, owner);
  const heir = await arrival(rig.runtime);
  await settled();
  rig.store.held.jobs.hold();
  const adopted = heir.submit("led", null, key);
  await settled();
  expect(rig.store.held.jobs.waiting).toBe(1);
  await abandoned(rig, observer);
  await rig.store.held.jobs.open();
  expect((await adopted).job_id).toBe(job.id);
  expect(job.ctx.signal.aborted).toBe(false);
  job.end("done");
  expect((await heir.terminal(job.id)).payload).toMatchObject({ result: "done" });
});

test("R-6.3-18: a job that another session of its principal follows is no orphan, whoever else watches it", async () => {
  const rig = hosting({ cancelOrphans: true, policy: { mayObserve: () => true } });
  const owner = await arrival(rig.runtime);
  const job = await rig.start(owner);
  const own = await watching(rig.runtime, job.id);
  const stranger = await watching(rig.runtime, job.id, "other");
  await abandoned(rig, owner);
  expect(job.ctx.signal.aborted).toBe(false);
  await abandoned(rig, own);
  expect(job.ctx.signal.aborted).toBe(true);
  job.end();
  expect((await stranger.terminal(job.id)).payload).toEqual(orphaned);
});

test("R-6.3-18, R-14-5: when all sessions end at the same moment, each unfinished job is cancelled once, and logged", async () => {
  const lines: Array<{ readonly msg: string }> = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const logger = pino({ level: "info" }, { write });
  const rig = hosting({ cancelOrphans: true, logger });
  const owner = await arrival(rig.runtime);
  const [job, cancelled, ended] = [
    await rig.start(owner),
    await rig.start(owner),
    await rig.start(owner),
  ];
  await rig.runtime.jobs.cancel(cancelled.id, "enough");
  ended.end("done");
  await owner.terminal(ended.id);
  await abandoned(rig, owner, await watching(rig.runtime, job.id));
  const told = lines.filter(({ msg }) => msg.includes("orphaned"));
  expect(told).toMatchObject([{ job: job.id, principal: "alice" }]);
  for (const { end } of [job, cancelled]) end();
  expect(await endOf(rig, job.id)).toEqual(orphaned);
  expect(await endOf(rig, cancelled.id)).toMatchObject({ message: "enough" });
});

test("R-6.3-18: sessions of other principals decide nothing", async () => {
  const rig = hosting({ cancelOrphans: true, policy: { mayObserve: () => true } });
  const owner = new Viewer(rig.runtime);
  const { session_id = "" } = await owner.hello();
  const job = await rig.start(owner);
  const stranger = await watching(rig.runtime, job.id, "other");
  // Which its client may come back from, in a new session.
  await rig.runtime.sessions.end(session_id);
  await abandoned(rig, stranger);
  expect(job.ctx.signal.aborted).toBe(false);
});

test("R-10-6, R-6.3-18: a delegated job ends with the job that delegated it, and not with its session", async () => {
  const agent = defineAgent({ name: "child", run: () => new Promise<never>(() => {}) });
  const rig = hosting({ cancelOrphans: true, agents: [agent] });
  const viewer = await arrival(rig.runtime);
  const lease_request = { "agent.delegate": ["child"] };
  const job = await rig.start(viewer, { lease_request });
  const child = await job.ctx.delegate("child");
  await viewer.find((frame) => frame.job_id === child.id);
  // Who watches the job does not follow what it delegates.
  const watcher = await watching(rig.runtime, job.id);
  await abandoned(rig, viewer);
  expect(await rig.runtime.jobs.get(child.id)).toMatchObject({ status: "running" });
  await abandoned(rig, watcher);
  job.end();
  expect(await endOf(rig, job.id)).toEqual(orphaned);
  expect(await endOf(rig, child.id)).toMatchObject({
    code: "CANCELLED",
    details: { reason: "parent_ended" },
  });
});

test("R-6.3-18: a job whose submit is still being decided when its session ends is an orphan too", async () => {
  const rig = hosting({ cancelOrphans: true, limits: { resumeWindowSec: 60 } });
  const viewer = await arrival(rig.runtime);
  await settled();
  rig.store.held.jobs.hold();
  viewer.send("job.submit", { agent: "led", input: null });
  await settled();
  await abandoned(rig, viewer);
  await rig.store.held.jobs.open();
  await settled();
  const [row] = await rig.store.jobs.list({ limit: 10 });
  expect(row?.cancel).toEqual({ reason: orphaned.message, details: orphaned.details });
});

test("R-6.3-18: an orphan is cancelled though the store fails for a moment", async () => {
  const rig = hosting({ cancelOrphans: true });
  const viewer = await arrival(rig.runtime);
  const job = await rig.start(viewer);
  await settled();
  const { update } = rig.store.jobs;
  let failures = 0;
  rig.store.jobs.update = (id, change) =>
    change.cancel !== undefined && ++failures <= 2
      ? Promise.reject(new Error("busy"))
      : update(id, change);
  await abandoned(rig, viewer);
  for (let i = 0; i < 5; i++) {
    rig.clock.advance(1_000);
    await settled();
  }
  expect(failures).toBe(3);
  job.end();
  expect(await endOf(rig, job.id)).toEqual(orphaned);
});

for (const refused of ["the end of the session", "the cancel"]) {
  test(`R-6.3-18: an orphan is cancelled though the store refuses ${refused} for long`, async () => {
    const rig = hosting({ cancelOrphans: true });
    const viewer = await arrival(rig.runtime);
    const { session_id = "" } = await viewer.find(({ type }) => type === "session.welcome");
    const job = await rig.start(viewer);
    await settled();
    const { jobs, sessions } = rig.store;
    const { update } = jobs;
    const { commit } = sessions;
    const busy = () => Promise.reject(new Error("busy"));
    viewer.sever();
    await settled();
    if (refused === "the cancel") {
      jobs.update = (id, change) => (change.cancel === undefined ? update(id, change) : busy());
    } else sessions.commit = busy;
    rig.clock.advance(WINDOW);
    for (let i = 0; i < 10; i++) {
      await settled();
      rig.clock.advance(1_000);
    }
    expect(job.ctx.signal.aborted).toBe(false);
    Object.assign(jobs, { update });
    Object.assign(sessions, { commit });
    for (let i = 0; i < 10; i++) {
      await settled();
      rig.clock.advance(1_000);
    }
    expect(job.ctx.signal.aborted).toBe(true);
    job.end();
    expect(await endOf(rig, job.id)).toEqual(orphaned);
    expect(await rig.store.sessions.get(session_id as SessionId)).toBeUndefined();
  });
}

test("R-14-1, R-6.3-18: what a session follows that makes room for another one is not forgotten", async () => {
  const rig = hosting({ cancelOrphans: true, limits: { sessionsPerPrincipal: 2 } });
  const owner = await arrival(rig.runtime);
  const job = await rig.start(owner);
  const watcher = await watching(rig.runtime, job.id);
  await abandoned(rig, owner);
  watcher.sever();
  await settled();
  for (let i = 0; i < 2; i++) await arrival(rig.runtime);
  await settled();
  expect(job.ctx.signal.aborted).toBe(true);
});

test("R-6.3-11, R-6.3-18: after a restart the window counts anew, and at its end the job that runs again is an orphan", async () => {
  const rig = hosts({ cancelOrphans: true, led: { attempts: 3 } });
  const viewer = await arrival(rig.start());
  const { id } = await rig.submit(viewer);
  await settled();
  rig.clock.advance(10 * WINDOW);
  const run = rig.nextRun();
  const runtime = rig.start();
  const { ctx, end } = await run;
  rig.clock.advance(WINDOW - 1);
  await settled();
  expect(ctx.signal.aborted).toBe(false);
  rig.clock.advance(1);
  await settled();
  expect(ctx.signal.aborted).toBe(true);
  end("too late");
  expect(await endOf({ runtime }, id)).toEqual(orphaned);
});

test("R-7.4-2, R-6.3-18: an orphan stays cancelled though the process dies before its agent has stopped", async () => {
  const rig = hosts({ cancelOrphans: true, led: { attempts: 3 } });
  const viewer = await arrival(rig.start());
  const { id } = await rig.submit(viewer);
  await abandoned(rig, viewer);
  const row = await rig.store.jobs.get(id as JobId);
  expect(row).toMatchObject({ status: "running", cancel: { details: orphaned.details } });
  expect(await endOf({ runtime: rig.start() }, id)).toEqual(orphaned);
  expect(rig.runs()).toBe(1);
});

test("R-6.3-18: a process that dies while a session ends leaves no orphan to the next one", async () => {
  const rig = hosts({ cancelOrphans: true, led: { attempts: 3 } });
  const viewer = await arrival(rig.start());
  const { id } = await rig.submit(viewer);
  await settled();
  // The session's end and the cancel are never stored together.
  const { update } = rig.store.jobs;
  rig.store.jobs.update = (job, change) =>
    change.cancel === undefined ? update.call(rig.store.jobs, job, change) : new Promise(() => {});
  await abandoned(rig, viewer);
  rig.store.jobs.update = update;
  const run = rig.nextRun();
  const runtime = rig.start();
  const { end } = await run;
  await settled();
  rig.clock.advance(WINDOW);
  await settled();
  end("too late");
  expect(await endOf({ runtime }, id)).toEqual(orphaned);
});

/** A job that may run again and that nobody comes back for, while the store refuses to let it be recovered. */
async function stranded() {
  const rig = hosts({ cancelOrphans: true, led: { attempts: 3 } });
  const viewer = await arrival(rig.start());
  const { id } = await rig.submit(viewer);
  await settled();
  const { get } = rig.store.jobs;
  rig.store.jobs.get = (job) =>
    job === id ? Promise.reject(new Error("busy")) : get.call(rig.store.jobs, job);
  const runtime = rig.start();
  for (const pause of [20, 100, 500, 2000, WINDOW]) {
    await settled();
    rig.clock.advance(pause);
  }
  await settled();
  expect(runtime.sessions.list()).toEqual([]);
  const mend = async (): Promise<void> => {
    rig.store.jobs.get = get;
    await settled();
  };
  return { ...rig, runtime, id, mend };
}

test("R-6.3-18: a job that is recovered after its session has ended is an orphan too, and does not run again", async () => {
  const rig = await stranded();
  await rig.mend();
  rig.clock.advance(60_000);
  await settled();
  expect(await endOf(rig, rig.id)).toEqual(orphaned);
  expect(rig.runs()).toBe(1);
});

test("R-6.3-18: a job that is recovered after its session has ended is no orphan if somebody follows it by then", async () => {
  const rig = await stranded();
  await rig.mend();
  const watcher = await watching(rig.runtime, rig.id);
  const run = rig.nextRun();
  rig.clock.advance(60_000);
  const { ctx, end } = await run;
  await settled();
  expect(ctx.signal.aborted).toBe(false);
  end("done");
  expect((await watcher.terminal(rig.id)).payload).toMatchObject({ result: "done" });
});
