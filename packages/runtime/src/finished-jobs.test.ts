import type { JobId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { dense, hosting, type LedJob } from "../test/hosting.ts";
import { type Tally, tally } from "../test/tally.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";

/** The limit on a principal's finished jobs, and those who would evade it or make others suffer from it. */

const quick = defineAgent({ name: "quick", run: (_ctx, input) => input ?? "done" });
const LISTING = [...ALL_FEATURES, "list_jobs"];

/** A host that keeps this many finished jobs of one principal, and a session that submits. */
async function keeping(finishedJobsPerPrincipal: number, more: object = {}) {
  const rig = hosting({ agents: [quick], limits: { finishedJobsPerPrincipal, ...more } });
  const viewer = new Viewer(rig.runtime);
  const welcome = await viewer.hello(LISTING);
  const run = async (rest: object = {}, by = viewer): Promise<JobId> => {
    const { job_id = "", payload } = await by.submit("quick", null, rest);
    expect(payload.details).toBeUndefined();
    await by.terminal(job_id);
    return job_id as JobId;
  };
  /** Those of the jobs of which anything is kept: a row, a log or a place in the listing. */
  const left = async (jobs: readonly JobId[], by = viewer): Promise<number[]> => {
    const { payload } = await by.reply(by.send("session.list_jobs", { limit: 1000 }));
    const listed = new Set(payload.jobs.map(({ job_id }: Frame) => job_id));
    const found: number[] = [];
    for (const [index, job] of jobs.entries()) {
      const { head } = await rig.store.logs.read(job, 0, { records: 0, characters: 0 });
      const traces = [listed.has(job), head > 0, (await rig.store.jobs.get(job)) !== undefined];
      expect(new Set(traces).size).toBe(1);
      if (head > 0) found.push(index);
    }
    return found;
  };
  return { ...rig, viewer, welcome, run, left };
}

async function many(count: number, run: () => Promise<JobId>): Promise<JobId[]> {
  const jobs: JobId[] = [];
  while (jobs.length < count) jobs.push(await run());
  await settled();
  return jobs;
}

describe("beyond the limit", () => {
  test("R-14-2: the job that ended first is removed completely, whenever it was accepted", async () => {
    const { start, viewer, run, left, store } = await keeping(3);
    const slow = await start(viewer);
    const jobs = await many(3, run);
    slow.end("late");
    await viewer.terminal(slow.id);
    await settled();
    expect(await left([...jobs, slow.id])).toEqual([1, 2, 3]);
    const more = await many(2, run);
    expect(await left([...jobs, slow.id, ...more])).toEqual([3, 4, 5]);
    const { payload } = await viewer.reply(viewer.send("job.subscribe", { job_id: jobs[0] }));
    expect(payload.code).toBe("JOB_NOT_FOUND");
    expect(await store.jobs.list({ limit: 10 })).toHaveLength(3);
  });

  test("R-14-2: no other principal's jobs are removed for it, even in one burst", async () => {
    const { runtime, run, left, viewer } = await keeping(5);
    const quiet = new Viewer(runtime);
    await quiet.hello(LISTING, "other");
    const kept = await many(5, () => run({}, quiet));
    const burst = dense(200).map(() => run());
    const jobs = await Promise.all(burst);
    await settled();
    expect((await left(jobs)).length).toBe(5);
    expect(await left(kept, quiet)).toEqual([0, 1, 2, 3, 4]);
    expect(viewer.frames.filter(({ type }) => type === "session.error")).toEqual([]);
    expect(viewer.seqs).toEqual(dense(viewer.stream.length));
  });

  test("R-14-2: a limit below what ends in one turn costs no reader anything", async () => {
    const { start, viewer, left } = await keeping(1);
    const jobs: LedJob[] = [];
    while (jobs.length < 50) jobs.push(await start(viewer));
    for (const job of jobs) job.end("done");
    for (const { id } of jobs) await viewer.terminal(id);
    await settled();
    expect((await left(jobs.map(({ id }) => id))).length).toBe(1);
    expect(viewer.frames.filter(({ type }) => type === "session.error")).toEqual([]);
  });

  test("R-7.6-3, P3: a subscriber in the middle of a job due for removal reads it to its end; another job is removed", async () => {
    const { runtime, clock, start, viewer, run, left } = await keeping(2);
    const job = await start(viewer);
    const stalled = new Viewer(runtime, { highWaterMark: 1000, read: false });
    stalled.send("session.hello", {
      auth: { scheme: "bearer", token: "secret" },
      capabilities: { features: ALL_FEATURES },
    });
    stalled.send("job.subscribe", { job_id: job.id, history: true });
    for (let i = 0; i < 2000; i++) await job.ctx.log.info(`${i}`);
    job.end("done");
    await viewer.terminal(job.id);
    const jobs = await many(4, run);
    expect(await left([job.id, ...jobs])).toEqual([0, 4]);
    void stalled.read();
    expect((await stalled.terminal(job.id)).payload.result).toBe("done");
    expect(stalled.seqs).toEqual(dense(2002));
    // Now it is a job like any other, and the next one that ends exceeds the limit.
    clock.advance(1000);
    await settled();
    const next = await run();
    await settled();
    expect(await left([job.id, ...jobs, next])).toHaveLength(2);
  });

  test("R-6.3-12, R-14-3: a session that returns can read a job that ended while it was away", async () => {
    const { runtime, clock, start, viewer, welcome, run, left } = await keeping(2);
    const job = await start(viewer);
    viewer.sever();
    job.end("done");
    const other = new Viewer(runtime);
    await other.hello(LISTING);
    const jobs = await many(6, () => run({}, other));
    expect(await left([job.id, ...jobs], other)).toEqual([0, 6]);
    const again = new Viewer(runtime);
    expect((await again.resume(welcome, 0)).type).toBe("session.welcome");
    expect((await again.terminal(job.id)).payload.result).toBe("done");
    clock.advance(1000);
    await settled();
    const last = await run({}, other);
    await settled();
    expect(await left([job.id, ...jobs, last], other)).toHaveLength(2);
  });

  test("R-6.3-10, R-14-3: a job that was read is removed, acknowledged or not, and whoever asks for it again is told", async () => {
    for (const acks of [[], ["ack"]]) {
      const { runtime, run } = await keeping(2);
      const viewer = new Viewer(runtime);
      const welcome = await viewer.hello([...LISTING, ...acks]);
      const jobs = await many(5, () => run({}, viewer));
      const last = viewer.seqs.at(-1) ?? 0;
      viewer.sever();
      await settled();
      const behind = new Viewer(runtime);
      const refused = await behind.resume(welcome, 0);
      expect(refused.payload.code).toBe("RESUME_WINDOW_EXPIRED");
      const again = new Viewer(runtime);
      expect((await again.resume(welcome, last - 4)).type).toBe("session.welcome");
      await again.terminal(jobs.at(-1));
      expect(again.seqs).toEqual(dense(4, last - 3));
    }
  });

  test("R-6.3-8: a job stays while a resumed session is about to be sent it again", async () => {
    const { runtime, viewer, welcome, run, left } = await keeping(2);
    const job = (await viewer.submit("quick", "x".repeat(4000))).job_id as JobId;
    await viewer.terminal(job);
    const second = await run();
    viewer.sever();
    await settled();
    const again = new Viewer(runtime, { highWaterMark: 500, read: false });
    again.send("session.resume", {
      auth: { scheme: "bearer", token: "secret" },
      resume_token: welcome.payload.resume_token,
      last_event_seq: 0,
    });
    await settled();
    const other = new Viewer(runtime);
    await other.hello(LISTING);
    const jobs = await many(4, () => run({}, other));
    expect(await left([job, second, ...jobs], other)).toEqual([0, 1]);
    void again.read();
    await again.terminal(second);
    expect(again.seqs).toEqual(dense(4));
  });

  test("R-7.1-2: a job that ends before its acceptance is sent is not gone when it is", async () => {
    const gate = Promise.withResolvers<void>();
    const checked = defineAgent({
      name: "checked",
      input: {
        "~standard": {
          version: 1,
          vendor: "test",
          async validate(value) {
            await gate.promise;
            return { value };
          },
        },
      },
      run: () => null,
    });
    const { runtime, store, viewer, run, left } = await keeping(1);
    runtime.agents.register(checked);
    // Its reply holds up the one behind it.
    const first = viewer.send("job.submit", { agent: "checked" });
    const second = viewer.send("job.submit", { agent: "quick" });
    await settled();
    const [row] = await store.jobs.list({ limit: 1 });
    const job = row?.id as JobId;
    await runtime.jobs.cancel(job, "no");
    const other = new Viewer(runtime);
    await other.hello(LISTING);
    await many(3, () => run({}, other));
    gate.resolve();
    await viewer.reply(first);
    expect((await viewer.reply(second)).job_id).toBe(job);
    expect((await viewer.terminal(job)).payload.code).toBe("CANCELLED");
    expect(await left([job])).toEqual([0]);
  });

  test("R-10-2: a child that its owner has not learnt of yet stays, with the job that delegated it", async () => {
    const { runtime, viewer, welcome, start, begun, run, left } = await keeping(1);
    const parent = await start(viewer, { lease_request: { "agent.delegate": ["led"] } });
    viewer.sever();
    const child = await parent.ctx.delegate("led");
    (await begun.get(child.id)?.promise)?.end("of the child");
    await child.result;
    parent.end("of the parent");
    const other = new Viewer(runtime);
    await other.hello(LISTING);
    const jobs = await many(3, () => run({}, other));
    expect(await left([parent.id, child.id as JobId, ...jobs], other)).toEqual([0, 1]);
    const again = new Viewer(runtime);
    await again.resume(welcome, 0);
    expect((await again.terminal(child.id)).payload.result).toBe("of the child");
    expect((await again.terminal(parent.id)).payload.result).toBe("of the parent");
    expect(again.seqs).toEqual(dense(again.stream.length));
  });
});

test("R-14-2: a few jobs with large results or leases are removed as early as many small ones", async () => {
  const { runtime, viewer, left } = await keeping(20);
  const stranger = new Viewer(runtime);
  await stranger.hello(LISTING, "other");
  const large = "x".repeat(30_000);
  const lease_request = { "fs.read": dense(400).map((n) => `/srv/${"y".repeat(90)}/${n}`) };
  const run = async (by: Viewer, input: unknown, rest: object = {}): Promise<JobId> => {
    const { job_id } = await by.submit("quick", input, rest);
    await by.terminal(job_id);
    await settled();
    return job_id as JobId;
  };
  const small = await many(10, () => run(stranger, "small"));
  const jobs = await many(8, () => run(viewer, large));
  expect(await left(jobs)).toEqual([3, 4, 5, 6, 7]);
  const leased = await many(4, () => run(viewer, "small", { lease_request }));
  expect(await left([...jobs, ...leased])).toEqual([8, 9, 10, 11]);
  expect(await left(small, stranger)).toHaveLength(10);
});

test("R-14-2: a closing runtime leaves no job half removed", async () => {
  const { runtime, store, run } = await keeping(1);
  store.held.removals.hold();
  const jobs = await many(2, run);
  expect(store.held.removals.waiting).toBe(1);
  let isClosed = false;
  const closed = runtime.close().then(() => {
    isClosed = true;
  });
  await settled();
  expect(isClosed).toBe(false);
  await store.held.removals.open();
  await closed;
  expect((await store.jobs.list({ limit: 10 })).map(({ id }) => id)).toEqual([jobs[1]]);
});

describe("jobs that cannot be removed", () => {
  const key = (n: number) => ({ idempotency_key: `key ${n}` });

  test("R-7.2-7, R-7.1-5: keys hold their jobs for a day; above the limit others are removed, then submits refused", async () => {
    const { clock, run, left, viewer, runtime } = await keeping(2, {
      retentionSec: 10 * 86_400,
      liveJobsPerPrincipal: 1,
    });
    const keyed = [await run(key(1)), await run(key(2))];
    const plain: JobId[] = [];
    // A job about to be removed takes a place until it is gone.
    while (plain.length < 3) plain.push(...(await many(1, run)));
    expect(await left([...keyed, ...plain])).toEqual([0, 1]);
    clock.advance(1000);
    keyed.push(await run(key(3)));
    await settled();
    expect(await left([...keyed, ...plain])).toEqual([0, 1, 2]);
    for (const rest of [{}, key(4)]) {
      expect((await viewer.submit("quick", null, rest)).payload).toMatchObject({
        code: "INTERNAL_ERROR",
        retryable: true,
        details: { reason: "finished_jobs_per_principal" },
      });
    }
    // A retry is answered as before, and nobody else is refused.
    expect((await viewer.submit("quick", null, key(2))).job_id).toBe(keyed[1]);
    const stranger = new Viewer(runtime);
    await stranger.hello(LISTING, "other");
    await run(key(1), stranger);
    // A refused submit has not reserved its key (R-7.2-6).
    clock.advance(24 * 60 * 60 * 1000);
    await settled();
    const fresh = new Viewer(runtime);
    await fresh.hello(LISTING);
    const next = await run(key(4), fresh);
    await settled();
    expect(await left([...keyed, next], fresh)).toEqual([2, 3]);
    expect((await fresh.submit("quick", null, key(1))).job_id).not.toBe(keyed[0]);
  });

  test("R-7.1-5: as many jobs may wait to be read as the limit allows, and running agents are not told", async () => {
    const { runtime, clock, start, viewer, welcome, run } = await keeping(1, {
      liveJobsPerPrincipal: 2,
    });
    const other = new Viewer(runtime);
    await other.hello(LISTING);
    const jobs = [await start(viewer), await start(viewer)];
    viewer.sever();
    for (const job of jobs) job.end("done");
    await settled();
    const third = await run({}, other);
    await settled();
    // What one session has read makes room for what the other has not.
    const { payload } = await other.reply(other.send("job.subscribe", { job_id: third }));
    expect(payload.code).toBe("JOB_NOT_FOUND");
    const last = await start(other);
    other.sever();
    last.end("done");
    await settled();
    const fresh = new Viewer(runtime);
    await fresh.hello(LISTING);
    expect((await fresh.submit("quick")).payload.details?.reason).toBe(
      "finished_jobs_per_principal",
    );
    const again = new Viewer(runtime);
    await again.resume(welcome, 0);
    for (const { id } of jobs) await again.terminal(id);
    clock.advance(1000);
    await settled();
    await run({}, fresh);
  });

  test("R-14-2: a store that removes nothing does not fill for ever, and half-removed jobs go first once it does", async () => {
    const { clock, store, run, left, viewer } = await keeping(2, { liveJobsPerPrincipal: 1 });
    const { remove } = store.jobs;
    store.jobs.remove = () => Promise.reject(new Error("disk full"));
    const jobs = await many(5, run);
    expect(await store.jobs.list({ limit: 10 })).toHaveLength(5);
    const { payload } = await viewer.submit("quick");
    expect(payload.details?.reason).toBe("finished_jobs_per_principal");
    store.jobs.remove = remove;
    clock.advance(10_000);
    await settled();
    expect(await left(jobs)).toEqual([3, 4]);
    await run();
  });
});

test("S9, R-14-2: a job that ends beyond the limit makes the same store calls, however many are kept", async () => {
  const costs: Tally[] = [];
  for (const most of [10, 2000]) {
    const { store, run } = await keeping(most);
    await many(most + 50, run);
    const counted = tally(store);
    await run();
    await settled();
    costs.push(counted);
  }
  const [few, lots] = costs;
  expect(lots).toEqual(few);
  expect(few?.calls.filter((call) => call === "jobs.remove")).toHaveLength(1);
  expect(few?.listed).toBe(0);
});
