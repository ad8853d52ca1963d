import { type Clock, type JobId, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { type EndedJob, Retention } from "./retention.ts";

const DAY = 24 * 60 * 60 * 1000;
const turn = { next: () => settled(1) };

const ended = (id: string, rest: Partial<EndedJob> = {}): EndedJob => ({
  id: id as JobId,
  principal: "alice",
  session: undefined,
  lineage: [],
  size: 0,
  ...rest,
});

/**
 * @param ms how long a job is kept
 * @param most jobs that are kept per principal
 */
function keeping({ ms = 1000, most = Number.POSITIVE_INFINITY, excess = 0 } = {}) {
  const clock = new ManualClock();
  const removed: string[] = [];
  const [held, read, failing] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let looks = 0;
  const retention = new Retention({
    clock,
    turn,
    ms,
    most,
    excess,
    held: ({ id }) => held.has(id) || read.has(id),
    read({ id }) {
      looks += 1;
      return read.has(id);
    },
    async remove({ id }) {
      if (!failing.has(id)) removed.push(id);
      return !failing.has(id);
    },
  });
  const end = (id: string, principal = "alice") => retention.keep(ended(id, { principal }));
  return { clock, removed, held, read, failing, retention, end, looks: () => looks };
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

test("P3: a job that is still being read is kept until nobody reads it", () => {
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

test("R-7.2-7: a job that must be kept until some moment is kept until then, and delays no other", () => {
  const { clock, removed, retention, end } = keeping();
  retention.keep(ended("a", { keepUntil: clock.monotonic() + 4500 }));
  end("b");
  clock.advance(4499);
  expect(removed).toEqual(["b"]);
  clock.advance(501);
  expect(removed).toEqual(["b", "a"]);
  expect(clock.pending).toBe(0);
});

test("R-14-2: however many jobs are due, a slow store is asked to remove only a few at a time", async () => {
  const clock = new ManualClock();
  const removals: Array<(isGone: boolean) => void> = [];
  const retention = new Retention({
    clock,
    turn,
    ms: 1000,
    most: Number.POSITIVE_INFINITY,
    excess: 0,
    held: () => false,
    read: () => false,
    remove: () => new Promise((resolve) => void removals.push(resolve)),
  });
  for (let i = 0; i < 200; i++) retention.keep(ended(`${i}`));
  clock.advance(5000);
  expect(removals).toHaveLength(64);
  expect(clock.pending).toBe(0);
  for (let asked = 0; asked < removals.length; asked = Math.min(asked + 10, removals.length)) {
    for (const done of removals.slice(asked, asked + 10)) done(asked > 0);
    await settled(3);
    clock.advance(0);
    expect(removals.length).toBe(Math.min(200, asked + 74));
  }
  // The first ten were refused, and are tried once more.
  clock.advance(10_000);
  expect(removals).toHaveLength(210);
});

test("R-14-2: many jobs due at once are removed a few at a time", async () => {
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
  const retention = new Retention({
    clock,
    turn,
    ms: 1000,
    most: Number.POSITIVE_INFINITY,
    excess: 0,
    held: () => false,
    read: () => false,
    async remove() {
      removed += 1;
      return true;
    },
  });
  for (let i = 0; i < 1000; i++) retention.keep(ended(`${i}`));
  time = 1000;
  for (let before = 0; timers.length > 0; before = removed) {
    expect(timers).toHaveLength(1);
    timers.shift()?.();
    expect(removed - before).toBeLessThanOrEqual(100);
    await settled();
  }
  expect(removed).toBe(1000);
});

test("R-14-2: of a principal's jobs above the limit the first to end is removed, and nobody else's", async () => {
  const { clock, removed, end } = keeping({ most: 2 });
  for (const id of ["a", "b"]) end(id, "bob");
  for (const id of ["c", "d", "e", "f"]) end(id);
  await settled();
  expect(removed).toEqual(["c", "d"]);
  // A removed job is not looked for again when its time is up.
  clock.advance(1000);
  expect(removed.toSorted()).toEqual(["a", "b", "c", "d", "e", "f"]);
  expect(clock.pending).toBe(0);
});

test("R-14-2: a large job counts as several, whether it waits, is being read or is being removed", async () => {
  const { clock, removed, read, retention } = keeping({ ms: 60_000, most: 10, excess: 2 });
  const end = (id: string, size: number) => retention.keep(ended(id, { size }));
  end("a", 2 * 8192);
  end("b", 8191);
  end("c", 4 * 8192);
  end("d", 0);
  await settled();
  expect(removed).toEqual([]);
  read.add("c");
  end("e", 8192);
  await settled();
  expect(removed).toEqual(["a"]);
  read.add("f");
  end("f", 5 * 8192);
  await settled();
  expect(removed).toEqual(["a", "b", "d", "e"]);
  expect(retention.isFull("alice")).toBe(false);
  read.add("g");
  end("g", 0);
  await settled();
  expect(retention.isFull("alice")).toBe(true);
  read.clear();
  clock.advance(1000);
  await settled();
  expect(retention.isFull("alice")).toBe(false);
  expect(removed.slice(4)).toHaveLength(1);
});

test("R-14-2: a job that is being read is removed later; when it is looked at again it is one like any other", async () => {
  const { clock, removed, read, end, retention } = keeping({ ms: 60_000, most: 1 });
  read.add("a");
  for (const id of ["a", "b", "c"]) end(id);
  await settled();
  expect(removed).toEqual(["b", "c"]);
  expect(retention.isFull("alice")).toBe(true);
  expect(retention.isFull("bob")).toBe(false);
  read.clear();
  clock.advance(1000);
  await settled();
  expect(retention.isFull("alice")).toBe(false);
  expect(removed).toEqual(["b", "c"]);
  end("d");
  await settled();
  expect(removed).toEqual(["b", "c", "a"]);
});

test("R-14-2: however many jobs are held, the end of a job looks at one or two", async () => {
  for (const count of [100, 10_000]) {
    const { read, end, looks } = keeping({ ms: 60_000, most: 10 });
    for (let i = 0; i < count; i++) {
      read.add(`${i}`);
      end(`${i}`);
    }
    await settled(200);
    const before = looks();
    for (let i = 0; i < 100; i++) end(`late ${i}`);
    await settled();
    expect(looks() - before).toBeLessThanOrEqual(100);
  }
});

test("R-14-2: a failed removal is retried, and causes no other job to be removed", async () => {
  const { clock, removed, failing, end, retention } = keeping({ ms: 60_000, most: 2 });
  failing.add("a");
  for (const id of ["a", "b", "c"]) end(id);
  await settled();
  expect(removed).toEqual([]);
  for (const id of ["d", "e"]) end(id);
  await settled();
  expect(removed).toEqual(["b", "c"]);
  failing.clear();
  clock.advance(9999);
  await settled();
  expect(removed).toEqual(["b", "c"]);
  clock.advance(1);
  await settled();
  expect(removed).toEqual(["b", "c", "a"]);
  expect(retention.isFull("alice")).toBe(false);
});

test("R-14-2: no bookkeeping is kept for a principal without jobs", async () => {
  const { clock, removed, end, retention } = keeping({ most: 1 });
  for (let i = 0; i < 100; i++) end("one", `${i}`);
  clock.advance(1000);
  clock.advance(1000);
  await settled();
  clock.advance(0);
  await settled();
  expect(removed).toHaveLength(100);
  expect(clock.pending).toBe(0);
  expect(retention.isFull("1")).toBe(false);
});

test("a closed retention removes nothing", () => {
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

test("R-6.3-12: a job that ends while its session is away is kept for it, however short the retention", async () => {
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

test.each([
  { way: "ahead", ms: 30 * DAY },
  { way: "back", ms: -30 * DAY },
])(
  "R-7.2-7: a key is valid for a day, and no longer, even if the wall clock is set $way",
  async ({ ms }) => {
    const limits = { retentionSec: 1, resumeWindowSec: 1 };
    const { clock, runtime, start, store } = hosting({ limits });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const job = await start(viewer, { idempotency_key: "key" });
    clock.jump(ms);
    job.end("done");
    await viewer.terminal(job.id);
    await settled();
    clock.advance(DAY - 1000);
    await settled();
    expect(await store.jobs.get(job.id)).toBeDefined();
    clock.advance(1000);
    await settled();
    expect(await store.jobs.get(job.id)).toBeUndefined();
  },
);

test("R-14-3: a job whose removal failed is removed later, wherever the removal stopped", async () => {
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
