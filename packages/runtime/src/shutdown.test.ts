import type { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { Runtime } from "./runtime.ts";

/** Whether a promise has settled once everything that is due has happened. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const note = (): void => {
    done = true;
  };
  promise.then(note, note);
  await settled();
  return done;
}

test("jobs may finish before the runtime closes, watched by old and new clients, and no new jobs begin", async () => {
  const { runtime, start } = hosting();
  const owner = new Viewer(runtime);
  const welcome = await owner.hello();
  const job = await start(owner);
  const closing = runtime.close({ finishSec: 20 });
  const refused = await owner.submit("led");
  expect(refused.payload).toMatchObject({
    code: "INTERNAL_ERROR",
    retryable: true,
    details: { reason: "shutting_down" },
  });
  owner.sever();
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 0)).type).toBe("session.welcome");
  await job.ctx.log.info("nearly there");
  expect(await settles(closing)).toBe(false);
  job.end("done");
  await closing;
  expect((await back.terminal(job.id)).payload.result).toBe("done");
  expect(back.frames.at(-1)?.type).toBe("session.closed");
  expect(await back.ended).toMatchObject({ reason: "going-away" });
});

test("R-10-3: a job that may finish delegates nothing while the runtime waits for it", async () => {
  const { runtime, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner, { lease_request: { "agent.delegate": ["led"] } });
  const closing = runtime.close({ finishSec: 20 });
  const why = { code: "INTERNAL_ERROR", details: { reason: "shutting_down" } };
  await expect(job.ctx.delegate("led")).rejects.toMatchObject(why);
  await job.ctx.flush();
  await settled();
  const told = owner.stream.map(({ payload: { body } }) => body?.error ?? body?.child_job_id);
  expect(told.filter((one) => one !== undefined)).toMatchObject([why]);
  job.end("done");
  await closing;
  expect((await owner.terminal(job.id)).payload.result).toBe("done");
});

test("R-7.4-3: a job that did not finish in time is cancelled, and its agent has time to clean up", async () => {
  const { runtime, start, clock, store } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const [tidy, stubborn] = [await start(owner), await start(owner)];
  const closing = runtime.close({ finishSec: 20, cancelSec: 10 });
  await settled();
  clock.advance(19_999);
  await settled();
  expect(tidy.ctx.signal.aborted).toBe(false);
  clock.advance(1);
  await settled();
  expect([tidy.ctx.signal.aborted, stubborn.ctx.signal.aborted]).toEqual([true, true]);
  await tidy.ctx.log.info("tidied up");
  tidy.end("whatever");
  await settled();
  clock.advance(9_999);
  expect(await settles(closing)).toBe(false);
  clock.advance(1);
  await closing;
  for (const { id } of [tidy, stubborn]) {
    const { payload } = await owner.terminal(id);
    expect(payload).toMatchObject({ code: "CANCELLED", message: "the runtime shuts down" });
    expect((await store.jobs.get(id))?.status).toBe("cancelled");
  }
  const logs = owner.stream.filter(({ payload }) => payload.kind === "log");
  expect(logs.map(({ payload }) => payload.body.message)).toEqual(["tidied up"]);
  expect(clock.pending).toBe(0);
});

test("a second close no longer waits for agents", async () => {
  const { runtime, start, clock } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  const closing = runtime.close({ finishSec: 3600, cancelSec: 3600 });
  expect(await settles(closing)).toBe(false);
  await runtime.close();
  await closing;
  expect((await owner.terminal(job.id)).payload.code).toBe("CANCELLED");
  expect(clock.pending).toBe(0);
});

test("R-7.4-5: a cancel with a longer grace period does not keep the runtime from closing", async () => {
  const { runtime, start } = hosting({ limits: { cancelGraceSec: 3600 } });
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  await owner.reply(owner.send("job.cancel", { reason: "enough" }, { job_id: job.id }));
  await runtime.close();
  expect((await owner.terminal(job.id)).payload).toMatchObject({ message: "enough" });
});

test("on a durable store a job that may be run again is left to the next process, with all its events", async () => {
  const { start, submit, nextRun } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const before = new Viewer(runtime);
  const welcome = await before.hello();
  const job = await submit(before);
  void job.ctx.log.info("half way");
  void job.ctx.checkpoint("half");
  await settled();
  void job.ctx.log.info("the last word");
  await runtime.close({ finishSec: 0 });
  expect(job.ctx.signal.reason).toMatchObject({ code: "INTERNAL_ERROR" });
  await job.ctx.log.info("too late");
  job.end("too late");
  expect(before.frames.at(-1)?.type).toBe("session.closed");

  const run = nextRun();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  const second = await run;
  expect([second.ctx.attempt, second.ctx.lastCheckpoint]).toEqual([2, "half"]);
  second.end("done");
  expect((await after.terminal(job.id)).payload.result).toBe("done");
  const said = after.stream.flatMap(({ payload }) => payload.body?.message ?? []);
  expect(said).toEqual([
    "half way",
    "the last word",
    "restarted after the runtime stopped, attempt 2",
  ]);
});

test("what an agent emits, spends and checkpoints before its time is up belongs to the next attempt", async () => {
  const { start, submit, nextRun, clock } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello(["cost.budget"]);
  const lease_request = { "cost.budget": ["USD:1"], "x-vendor.acme.print": ["*"] };
  const { ctx } = await submit(viewer, { lease_request });
  await settled();
  const cost = ctx.spend.reserve({ USD: "0.5" });
  const closing = runtime.close({ cancelSec: 5 });
  await settled();
  expect(ctx.signal.aborted).toBe(true);
  expect(() => ctx.authorize("x-vendor.acme.print", "lobby")).toThrow("no longer active");
  await cost.settle({ USD: "0.25" });
  void ctx.checkpoint("tidied up");
  expect(await settles(closing)).toBe(false);
  clock.advance(5000);
  await closing;
  await expect(ctx.checkpoint("too late")).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  const run = nextRun();
  start();
  const second = await run;
  expect(second.ctx.lastCheckpoint).toBe("tidied up");
  expect(second.ctx.budget.remaining()).toEqual({ USD: "0.75" });
});

test("an agent that stops when told to does not keep the runtime waiting, whatever it throws", async () => {
  const stopping = defineAgent({
    name: "stopping",
    attempts: 2,
    run: (ctx) =>
      new Promise((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
      }),
  });
  const { start, store } = hosts({ agents: [stopping] });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { job_id = "" } = await viewer.submit("stopping");
  await settled();
  await runtime.close({ cancelSec: 3600 });
  expect((await store.jobs.get(job_id as never))?.status).toBe("running");
  expect(viewer.stream.some(({ type }) => type === "job.error")).toBe(false);
});

test("a job that finishes in time is done, also on a durable store", async () => {
  const { start, submit, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await submit(viewer);
  await settled();
  const closing = runtime.close({ cancelSec: 5 });
  await settled();
  job.end("done after all");
  await closing;
  expect((await viewer.terminal(job.id)).payload.result).toBe("done after all");
  expect((await store.jobs.get(job.id as never))?.status).toBe("success");
});

test("a checkpoint in flight when the runtime closes is there for the next attempt", async () => {
  const { start, submit, nextRun } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { ctx } = await submit(viewer);
  await settled();
  void ctx.log.info("page 7");
  const saved = ctx.checkpoint({ page: 7 });
  const closing = runtime.close();
  await Promise.all([saved, closing]);
  const run = nextRun();
  start();
  expect((await run).ctx.lastCheckpoint).toEqual({ page: 7 });
});

test("a refusal by a runtime that shuts down is not repeated by the next one", async () => {
  const { start, submit } = hosts();
  const runtime = start();
  const before = new Viewer(runtime);
  const welcome = await before.hello();
  const job = await submit(before);
  const closing = runtime.close({ finishSec: 60 });
  const id = before.send("job.submit", { agent: "led" });
  expect((await before.reply(id)).payload.details).toEqual({ reason: "shutting_down" });
  job.end(null);
  await closing;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  after.sendAs(id, "job.submit", { agent: "led" });
  expect((await after.reply(id)).type).toBe("job.accepted");
});

test("a store that never closes keeps nobody waiting for ever", async () => {
  const { runtime, store, clock } = hosting();
  store.close = () => new Promise(() => {});
  const closing = runtime.close();
  expect(await settles(closing)).toBe(false);
  clock.advance(5000);
  await closing;
});

test("R-7.3-6: a job that is accepted while the runtime closes leaves no timer", async () => {
  const { start, clock, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { insert } = store.jobs;
  const inserting = Promise.withResolvers<void>();
  store.jobs.insert = async (row) => {
    await inserting.promise;
    return insert.call(store.jobs, row);
  };
  viewer.send("job.submit", { agent: "led", max_runtime_sec: 1000 });
  await settled();
  const closing = runtime.close();
  await settled();
  inserting.resolve();
  await closing;
  expect(clock.pending).toBe(0);
});

test("a job that may not be run again is cancelled on a durable store, too", async () => {
  const { start, submit } = hosts({ led: { attempts: 1 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await submit(viewer);
  await runtime.close();
  expect((await viewer.terminal(job.id)).payload.code).toBe("CANCELLED");
});

test("a suspended job refuses a cancel, which nobody would carry out", async () => {
  const { start, submit, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await submit(viewer);
  await settled();
  const { append } = store.logs;
  const appending = Promise.withResolvers<void>();
  store.logs.append = async (batches) => {
    await appending.promise;
    return append.call(store.logs, batches);
  };
  void job.ctx.log.info("being written");
  const closing = runtime.close();
  await settled();
  const asked = viewer.send("job.cancel", {}, { job_id: job.id });
  await settled();
  appending.resolve();
  await closing;
  const { type, payload } = await viewer.reply(asked);
  expect([type, payload.code]).toEqual(["session.error", "INTERNAL_ERROR"]);
  expect((await store.jobs.get(job.id as never))?.cancel).toBeUndefined();
});

/** A client that watches a job and reads nothing of it. */
async function stalledBy(runtime: Runtime, job: string): Promise<Viewer> {
  const stalled = new Viewer(runtime, { highWaterMark: 0, read: false });
  stalled.send("session.hello", {
    auth: { scheme: "bearer", token: "secret" },
    capabilities: { features: ["subscribe"] },
  });
  await settled();
  stalled.send("job.subscribe", {}, { job_id: job });
  await settled();
  return stalled;
}

test("R-6.7-6: clients get what was sent before the close; one that does not read delays it only for its patience", async () => {
  const { runtime, start, clock } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  await stalledBy(runtime, job.id);
  for (let i = 0; i < 500; i++) void job.ctx.log.info(`${i}`);
  const closing = runtime.close();
  await owner.terminal(job.id);
  expect(await settles(closing)).toBe(false);
  clock.advance(5000);
  await settled();
  clock.advance(5000);
  await closing;
  expect(owner.stream).toHaveLength(502);
  expect(owner.frames.at(-1)?.type).toBe("session.closed");
});

test("a client that is lost while the runtime waits for it to read delays it no longer", async () => {
  const { runtime, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  const stalled = await stalledBy(runtime, job.id);
  for (let i = 0; i < 500; i++) void job.ctx.log.info(`${i}`);
  const closing = runtime.close();
  await owner.terminal(job.id);
  expect(await settles(closing)).toBe(false);
  stalled.sever();
  await closing;
});

test("R-4.1-11, R-6.2-1: when the runtime closes, a client without a session is told why, as is one that comes later", async () => {
  const { runtime, clock } = hosting({ auth: () => new Promise(() => {}) });
  const silent = new Viewer(runtime);
  const asking = new Viewer(runtime);
  const hello = asking.send("session.hello", { auth: { scheme: "bearer", token: "secret" } });
  await settled();
  const closing = runtime.close();
  await settled();
  const late = new Viewer(runtime);
  for (const viewer of [silent, asking, late]) {
    expect(await viewer.ended).toMatchObject({ reason: "going-away" });
    expect(viewer.frames).toMatchObject([
      { type: "session.error", payload: { code: "INTERNAL_ERROR", retryable: true } },
    ]);
  }
  // Only one of them had sent a request (R-5.4-1).
  const asked = [silent, asking, late].map(({ frames }) => frames[0]?.payload.request_id);
  expect(asked).toEqual([undefined, hello, undefined]);
  clock.advance(5000);
  await closing;
  expect(clock.pending).toBe(0);
});

test("R-4.1-11: a client about to leave a fresh session for another is told why when the runtime closes", async () => {
  const { runtime, store } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const found = Promise.withResolvers<undefined>();
  store.sessions.findByToken = () => found.promise;
  const resume = viewer.send("session.resume", { resume_token: "rt_x", last_event_seq: 0 });
  await settled();
  const closing = runtime.close();
  expect(await viewer.ended).toMatchObject({ reason: "going-away" });
  expect(viewer.frames.at(-1)).toMatchObject({
    type: "session.error",
    session_id: welcome.session_id,
    payload: { code: "INTERNAL_ERROR", request_id: resume },
  });
  found.resolve(undefined);
  await closing;
});

test("R-7.4-2, R-8.4-1: a job that has streamed a part of its result cannot be run again, and is cancelled", async () => {
  const { start, submit, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { id, ctx } = await submit(viewer);
  await ctx.result.write("the first part");
  await runtime.close();
  expect((await viewer.terminal(id)).payload).toMatchObject({ code: "CANCELLED" });
  expect((await store.jobs.get(id as JobId))?.status).toBe("cancelled");
});
