import { LocalError, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { heldStore, settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { tokenTable } from "./auth.ts";
import { createRuntime, type Runtime } from "./runtime.ts";

const SENT_AWAY = {
  type: "session.error",
  payload: {
    code: "INTERNAL_ERROR",
    message: "the runtime has lost its store and serves nobody until it is started again",
    retryable: true,
    details: { reason: "store_lost" },
  },
};

async function greeted(runtime: Runtime, token?: string) {
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(undefined, token);
  return { viewer, welcome };
}

/** Whether the runtime says by now that it has failed for good. */
async function hasFailed({ failed }: Runtime): Promise<boolean> {
  return await Promise.race([failed.then(() => true), settled().then(() => false)]);
}

test("R-12-5: when the store fails for good, clients are disconnected, all jobs stop, and the host is told", async () => {
  const { runtime, store, start, clock } = hosting();
  const { viewer: owner, welcome } = await greeted(runtime);
  const { viewer: watcher } = await greeted(runtime);
  const { viewer: idle } = await greeted(runtime, "other");
  const [talks, works] = [await start(owner), await start(owner)];
  await watcher.reply(watcher.send("job.subscribe", { job_id: works.id }, { job_id: works.id }));
  await settled();
  const timers = clock.pending;

  const lastWord = talks.ctx.log.info("on its way").then(() => talks.ctx.flush());
  store.fail("EIO");
  for (const viewer of [owner, watcher, idle]) {
    expect(await viewer.ended).toMatchObject({ reason: "fault" });
    expect(viewer.frames.at(-1)).toMatchObject(SENT_AWAY);
  }
  expect(await runtime.failed).toEqual(new LocalError("CLOSED", "EIO"));
  await expect(lastWord).rejects.toThrow("EIO");
  // The silent one too: whatever it does from now on is in no log.
  for (const { ctx } of [talks, works]) expect(ctx.signal.aborted).toBe(true);
  expect(runtime.jobs.count()).toEqual({ pending: 0, running: 0 });
  await settled();
  expect(clock.pending).toBeLessThan(timers);

  const late = new Viewer(runtime);
  const hello = late.send("session.hello", { auth: { scheme: "bearer", token: "secret" } });
  expect(await late.reply(hello)).toMatchObject(SENT_AWAY);
  const back = new Viewer(runtime);
  expect(await back.resume(welcome, 0)).toMatchObject(SENT_AWAY);
  for (const { ended } of [late, back]) expect(await ended).toMatchObject({ reason: "fault" });

  const pending = clock.pending;
  await runtime.close({ finishSec: 60, cancelSec: 60 });
  expect(clock.pending).toBeLessThanOrEqual(pending);
});

test("R-5.4-8: a submit that waits for a failing store gets no answer, so that the next process is asked again", async () => {
  const { runtime, store } = hosting();
  const { viewer } = await greeted(runtime);
  store.held.jobs.hold();
  const submit = viewer.send("job.submit", { agent: "led" });
  await settled();
  store.fail("EIO");
  await viewer.ended;
  expect(viewer.frames.slice(1)).toMatchObject([SENT_AWAY]);
  expect(viewer.frames.at(-1)?.payload.request_id).not.toBe(submit);
});

test("a store that fails between a job's acceptance and its first record is reported to the job's owner", async () => {
  const { runtime, store, start } = hosting();
  const { viewer } = await greeted(runtime);
  store.held.logs.hold();
  const job = await start(viewer);
  await settled();
  expect(store.held.logs.waiting).toBe(1);
  store.fail("EIO");
  await viewer.ended;
  expect(viewer.frames.map(({ type }) => type)).toEqual([
    "session.welcome",
    "job.accepted",
    "session.error",
  ]);
  expect(job.ctx.signal.aborted).toBe(true);
  expect(await hasFailed(runtime)).toBe(true);
});

test("a store that fails during a replay ends it with that reason, not as a fault of the session", async () => {
  const { runtime, store, start } = hosting();
  const { viewer, welcome } = await greeted(runtime);
  const job = await start(viewer);
  for (const text of ["one", "two"]) await job.ctx.log.info(text);
  await settled();
  viewer.sever();
  await settled();
  store.held.reads.hold();
  const back = new Viewer(runtime);
  // The first reads check whether the session can be resumed at all.
  const resumed = back.resume(welcome, 1);
  while (back.frames.length === 0) await store.held.reads.release();
  expect((await resumed).type).toBe("session.welcome");
  await settled();
  expect(store.held.reads.waiting).toBe(1);
  store.fail("EIO");
  await back.ended;
  expect(back.frames.slice(1)).toMatchObject([SENT_AWAY]);
});

test("a handshake that waits for the store is told too, once", async () => {
  const { runtime, store, start } = hosting();
  const { viewer, welcome } = await greeted(runtime);
  await start(viewer);
  viewer.sever();
  await settled();
  store.held.claims.hold();
  const back = new Viewer(runtime);
  const answer = back.resume(welcome, 0);
  await settled();
  store.fail("EIO");
  expect(await answer).toMatchObject(SENT_AWAY);
  await back.ended;
  expect(back.frames).toHaveLength(1);
});

test("a runtime that closes when its store fails waits for nothing more", async () => {
  const { runtime, store, start } = hosting();
  const { viewer } = await greeted(runtime);
  const job = await start(viewer);
  await settled();
  const closed = runtime.close({ finishSec: 3600 });
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
  store.fail("EIO");
  await closed;
  expect(viewer.frames.at(-1)).toMatchObject(SENT_AWAY);
});

test("a store that fails briefly, or is closed on purpose, is not lost", async () => {
  const { runtime, store, clock, start } = hosting();
  const { viewer } = await greeted(runtime);
  const job = await start(viewer);
  await settled();
  const { append } = store.logs;
  store.logs.append = () => Promise.reject(new Error("SQLITE_BUSY"));
  await job.ctx.log.info("late");
  for (const pause of [20, 100, 500]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  store.logs.append = append;
  clock.advance(2000);
  expect((await viewer.find(({ job_seq }) => job_seq === 2)).payload.body.message).toBe("late");
  expect(job.ctx.signal.aborted).toBe(false);
  expect(await hasFailed(runtime)).toBe(false);
  await runtime.close();
  expect(viewer.frames.at(-1)?.type).toBe("session.closed");
  expect(await hasFailed(runtime)).toBe(false);
});

test("a runtime that fails to take over what was left tells its host, and its clients in reply to their hello", async () => {
  const store = heldStore();
  store.jobs.list = () => Promise.reject(new Error("a torn page"));
  const clock = new ManualClock();
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice" }),
    store,
    clock,
    logger: pino({ level: "silent" }),
  });
  const viewer = new Viewer(runtime);
  const answer = viewer.hello();
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    expect(viewer.frames).toEqual([]);
    clock.advance(pause);
  }
  expect(await answer).toMatchObject(SENT_AWAY);
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
  expect(await runtime.failed).toEqual(new Error("a torn page"));
  await runtime.close();
});

test("a runtime that is closed while it takes over what was left has not lost its store", async () => {
  const store = heldStore();
  const left = Promise.withResolvers<never>();
  store.jobs.list = () => left.promise;
  const { close } = store;
  store.close = () => {
    left.reject(new LocalError("CLOSED", "the store is closed"));
    return close.call(store);
  };
  const logged: string[] = [];
  const clock = new ManualClock();
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice" }),
    store,
    clock,
    logger: pino({ level: "error" }, { write: (line) => void logged.push(line) }),
  });
  const closed = runtime.close();
  await settled();
  clock.advance(5000);
  await closed;
  expect(await hasFailed(runtime)).toBe(false);
  expect(logged).toEqual([]);
});

test("R-5.4-1: an opening request in flight when the store fails is answered under its id", async () => {
  const { runtime, store } = hosting({ auth: () => new Promise(() => {}) });
  const viewer = new Viewer(runtime);
  const hello = viewer.send("session.hello", { auth: { scheme: "bearer", token: "secret" } });
  await settled();
  store.fail("EIO");
  expect(await viewer.reply(hello)).toMatchObject(SENT_AWAY);
});
