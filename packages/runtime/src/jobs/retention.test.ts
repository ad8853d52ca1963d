import { type Clock, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import type { Job } from "./job.ts";
import { Retention } from "./retention.ts";

function keeping() {
  const clock = new ManualClock();
  const removed: string[] = [];
  const held = new Set<string>();
  const retention = new Retention(
    clock,
    1000,
    ({ id }) => held.has(id),
    ({ id }) => removed.push(id),
  );
  const end = (id: string) => retention.keep({ id } as Job);
  return { clock, removed, held, retention, end };
}

test("R-14-3: every finished job is removed when its own time is up, with one timer for all", () => {
  const { clock, removed, end } = keeping();
  end("a");
  clock.advance(400);
  end("b");
  end("c");
  expect(clock.pending).toBe(1);
  clock.advance(599);
  expect(removed).toEqual([]);
  clock.advance(1);
  expect(removed).toEqual(["a"]);
  clock.advance(400);
  expect(removed.toSorted()).toEqual(["a", "b", "c"]);
  expect(clock.pending).toBe(0);
});

test("P3: a job that somebody still reads is kept until nobody does", () => {
  const { clock, removed, held, end } = keeping();
  held.add("a");
  end("a");
  end("b");
  clock.advance(5000);
  expect(removed).toEqual(["b"]);
  held.clear();
  clock.advance(1000);
  expect(removed).toEqual(["b", "a"]);
});

test("R-7.2-7: a job that has to be kept until a moment is kept until then, and holds up no other", () => {
  const { clock, removed, retention, end } = keeping();
  retention.keep({ id: "a", keepUntil: clock.now() + 4500 } as Job);
  end("b");
  clock.advance(4499);
  expect(removed).toEqual(["b"]);
  clock.advance(501);
  expect(removed).toEqual(["b", "a"]);
  expect(clock.pending).toBe(0);
});

test("R-14-2: many jobs that are due at once go a few at a time", () => {
  let time = 0;
  const timers: Array<() => void> = [];
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after(_ms, fire) {
      timers.push(fire);
      return { cancel: () => void timers.splice(timers.indexOf(fire), 1) };
    },
  };
  let removed = 0;
  const retention = new Retention(
    clock,
    1000,
    () => false,
    () => {
      removed += 1;
    },
  );
  for (let i = 0; i < 1000; i++) retention.keep({ id: `${i}` } as Job);
  time = 1000;
  for (let before = 0; timers.length > 0; before = removed) {
    expect(timers).toHaveLength(1);
    timers.shift()?.();
    expect(removed - before).toBeLessThanOrEqual(100);
  }
  expect(removed).toBe(1000);
});

test("nothing is removed any more once it is closed", () => {
  const { clock, removed, retention, end } = keeping();
  end("a");
  retention.close();
  end("b");
  expect(clock.pending).toBe(0);
  clock.advance(5000);
  expect(removed).toEqual([]);
});

test("P3: a viewer that stalls for longer than the retention still gets the rest and the end", async () => {
  const { runtime, clock, start, store } = hosting({
    limits: { retentionSec: 1, resumeWindowSec: 1 },
  });
  const stalled = new Viewer(runtime, { highWaterMark: 1000, read: false });
  stalled.send("session.hello", {
    auth: { scheme: "bearer", token: "secret" },
    capabilities: { features: ALL_FEATURES },
  });
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  stalled.send("job.subscribe", { job_id: job.id, history: true });
  for (let i = 0; i < 2000; i++) await job.ctx.log.info(`${i}`);
  job.end("done");
  await owner.terminal(job.id);
  for (let second = 0; second < 5; second++) {
    clock.advance(1000);
    await settled();
  }
  void stalled.read();
  expect((await stalled.terminal(job.id)).payload.result).toBe("done");
  expect(stalled.seqs).toEqual(dense(2002));
  // Now nobody reads it any more.
  await settled();
  clock.advance(1000);
  await settled();
  expect(await store.jobs.get(job.id)).toBeUndefined();
  expect(owner.frames.some(({ type }) => type === "session.error")).toBe(false);
});

test("R-6.3-12: a job that ended while its session was away is kept for it, however short the retention", async () => {
  const { runtime, clock, start } = hosting({ limits: { retentionSec: 1, resumeWindowSec: 60 } });
  const viewer = new Viewer(runtime);
  const welcome: Frame = await viewer.hello();
  const job = await start(viewer);
  viewer.sever();
  job.end("done");
  await settled();
  for (let second = 0; second < 30; second++) {
    clock.advance(1000);
    await settled(2);
  }
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, 0)).type).toBe("session.welcome");
  expect((await again.terminal(job.id)).payload.result).toBe("done");
});

test("R-14-3: a job that nobody reads leaves neither a row nor a log", async () => {
  const { runtime, clock, start, store } = hosting({
    limits: { retentionSec: 1, resumeWindowSec: 1 },
  });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  clock.advance(1000);
  await settled();
  expect(await store.jobs.get(job.id)).toBeUndefined();
  expect((await store.logs.read(job.id, 0, { records: 1, characters: 1 })).head).toBe(0);
  const { id: job_id } = job;
  const reply = await viewer.reply(viewer.send("job.subscribe", { job_id }, { job_id }));
  expect(reply.payload.code).toBe("JOB_NOT_FOUND");
});

test("R-14-3: a job whose removal failed is removed later, wherever it stopped", async () => {
  for (const failing of ["logs", "idempotency", "jobs"] as const) {
    const { runtime, clock, start, store } = hosting({
      limits: { retentionSec: 1, resumeWindowSec: 1 },
    });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const job = await start(viewer, { idempotency_key: "once" });
    job.end("done");
    await viewer.terminal(job.id);
    await settled();
    let failed = 0;
    const fail = () => {
      failed += 1;
      return Promise.reject(new Error("disk full"));
    };
    const { logs, idempotency, jobs } = store;
    const removals = [logs.remove, idempotency.removeJob, jobs.remove] as const;
    if (failing === "logs") logs.remove = fail;
    if (failing === "idempotency") idempotency.removeJob = fail;
    if (failing === "jobs") jobs.remove = fail;
    clock.advance(24 * 60 * 60 * 1000);
    await settled();
    expect(failed).toBe(1);
    expect(await store.jobs.get(job.id)).toBeDefined();
    clock.advance(10_000);
    await settled();
    expect(failed).toBe(2);
    logs.remove = removals[0];
    idempotency.removeJob = removals[1].bind(idempotency);
    jobs.remove = removals[2];
    clock.advance(10_000);
    await settled();
    expect(await store.jobs.get(job.id)).toBeUndefined();
    expect(await store.idempotency.get("alice", "once")).toBeUndefined();
    expect((await store.logs.read(job.id, 0, { records: 1, characters: 1 })).head).toBe(0);
  }
});
