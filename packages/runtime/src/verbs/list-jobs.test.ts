import { formatTimestamp } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting, type LedJob } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";

type Rig = ReturnType<typeof hosting>;

const FEATURES = [...ALL_FEATURES, "list_jobs"];

async function greeted({ runtime }: Rig, token = "secret", features = FEATURES) {
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(features, token);
  return { viewer, welcome };
}

const list = (viewer: Viewer, payload: object = {}): Promise<Frame> =>
  viewer.reply(viewer.send("session.list_jobs", payload));
const idsOf = ({ payload }: Frame): string[] =>
  payload.jobs.map(({ job_id }: { job_id: string }) => job_id);

/** Reads all pages, and does something between two of them. */
async function all(viewer: Viewer, query: object, between: () => unknown = () => {}) {
  const ids: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await list(viewer, { ...query, cursor });
    ids.push(...idsOf(page));
    cursor = page.payload.next_cursor;
    await between();
  }
  return ids;
}

async function started(rig: Rig, viewer: Viewer, count: number): Promise<LedJob[]> {
  const jobs: LedJob[] = [];
  for (let i = 0; i < count; i++) {
    // Two jobs in each millisecond: the id decides between them.
    if (i % 2 === 0) rig.clock.advance(1);
    jobs.push(await rig.start(viewer));
  }
  return jobs;
}

const sorted = (jobs: readonly LedJob[], first = 0) => {
  const ids = jobs.map(({ id }) => id);
  const pairs = [];
  for (let i = first; i < ids.length; i += 2) pairs.push(...ids.slice(i, i + 2).sort());
  return pairs;
};

test("R-6.6-4, R-7.6-11: an entry describes a job and its progress, in the order of acceptance", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const started = rig.clock.now();
  const one = await rig.start(viewer, { lease_request: { "cost.budget": ["EUR:2"] } });
  rig.clock.advance(1000);
  const two = await rig.start(viewer);
  await settled();
  one.end("done");
  await viewer.terminal(one.id);
  await settled();
  const { payload } = await list(viewer);
  expect(payload.next_cursor).toBeNull();
  expect(payload.jobs).toEqual([
    {
      job_id: one.id,
      agent: "led",
      status: "success",
      lease: { "cost.budget": ["EUR:2"] },
      parent_job_id: null,
      created_at: formatTimestamp(started),
      trace_id: expect.any(String),
      last_event_seq: 3,
      last_job_seq: 2,
    },
    expect.objectContaining({ job_id: two.id, status: "running", last_event_seq: 2 }),
  ]);
});

test("R-6.6-1, R-6.6-2: another principal's jobs are in no list, count or cursor", async () => {
  const rig = hosting();
  const { viewer: alice } = await greeted(rig);
  const { viewer: bob } = await greeted(rig, "other");
  const his: LedJob[] = [];
  const hers: LedJob[] = [];
  for (let i = 0; i < 6; i++) {
    rig.clock.advance(1);
    his.push(await rig.start(bob));
    hers.push(await rig.start(alice));
  }
  const { viewer } = await greeted(rig);
  expect(await all(viewer, { limit: 2 })).toEqual(hers.map(({ id }) => id));
  const last = await list(viewer, { limit: 6 });
  expect(last.payload.next_cursor).toBeNull();
  const { payload } = await list(viewer, { limit: 3 });
  const cursor = Buffer.from(payload.next_cursor, "base64url").toString();
  expect(cursor).toContain(hers[2]?.id);
  for (const { id } of his) expect(JSON.stringify(viewer.frames) + cursor).not.toContain(id);
});

test("R-6.6-1, R-6.6-2: a policy adds exactly the jobs that it allows, page by page", async () => {
  const seen: string[] = [];
  const rig = hosting({
    policy: { mayObserve: (_principal, job) => seen.includes(job.id) },
  });
  const { viewer: alice } = await greeted(rig);
  const { viewer: bob } = await greeted(rig, "other");
  const expected: string[] = [];
  for (let i = 0; i < 12; i++) {
    rig.clock.advance(1);
    const { id } = await rig.start(i % 3 === 0 ? alice : bob);
    if (i % 4 === 1) seen.push(id);
    if (i % 3 === 0 || i % 4 === 1) expected.push(id);
  }
  expect(await all(alice, { limit: 2 })).toEqual(expected);
  const { payload } = await list(alice, { limit: expected.length });
  expect(payload.next_cursor).toBeNull();
  expect(payload.jobs).toHaveLength(expected.length);
});

test("R-6.6-5: while jobs start and end, an enumeration neither repeats nor skips one that stays", async () => {
  const rig = hosting({ limits: { retentionSec: 1 } });
  const { viewer } = await greeted(rig);
  const staying = await started(rig, viewer, 12);
  const passing = await started(rig, viewer, 4);
  staying.push(...(await started(rig, viewer, 6)));
  let turn = 0;
  const ids = await all(viewer, { limit: 3 }, async () => {
    turn += 1;
    await rig.start(viewer);
    staying[turn]?.end("done");
    passing.pop()?.end("done");
    rig.clock.advance(turn % 2 === 0 ? 700 : 0);
    await settled();
    if (turn > 60) throw new Error("has no end");
  });
  expect(new Set(ids).size).toBe(ids.length);
  const stayed = sorted(staying).filter((id) => ids.includes(id));
  expect(ids.filter((id) => staying.some((job) => job.id === id))).toEqual(stayed);
  for (const [i, { id }] of staying.entries()) if (i > turn) expect(ids).toContain(id);
});

test("R-6.6-5: a job that ends while it is being listed is still in the list", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer);
  await settled();
  const listJobs = rig.store.jobs.list;
  rig.store.jobs.list = async (query) => {
    const rows = await listJobs(query);
    job.end("done");
    await settled();
    return rows;
  };
  const { payload } = await list(viewer);
  expect(payload.jobs).toMatchObject([{ job_id: job.id, status: "success", last_job_seq: 2 }]);
});

test("filters by state, agent, and time to a fraction of a millisecond", async () => {
  const versions = ["1.0", "1.0.1"].map((version) =>
    defineAgent({ name: "versioned", version, run: () => "done" }),
  );
  const rig = hosting({ agents: versions });
  const { viewer } = await greeted(rig);
  const running = await rig.start(viewer);
  rig.clock.advance(1000);
  const moment = formatTimestamp(rig.clock.now());
  const { job_id: old } = await viewer.submit("versioned@1.0");
  await viewer.terminal(old);
  rig.clock.advance(1000);
  const { job_id: young } = await viewer.submit("versioned@1.0.1");
  await viewer.terminal(young);
  await settled();
  const found = async (filter: object) => idsOf(await list(viewer, { filter }));
  expect(await found({ status: ["running"] })).toEqual([running.id]);
  expect(await found({ status: ["success", "error"] })).toEqual([old, young]);
  expect(await found({ status: ["cancelled"] })).toEqual([]);
  expect(await found({ status: [] })).toEqual([]);
  expect(await found({ agent: "versioned" })).toEqual([old, young]);
  expect(await found({ agent: "versioned@1.0" })).toEqual([old]);
  expect(await found({ agent: "version" })).toEqual([]);
  expect(await found({ created_after: moment })).toEqual([young]);
  expect(await found({ created_before: moment })).toEqual([running.id]);
  expect(await found({ created_before: moment.replace("Z", "1Z") })).toEqual([running.id, old]);
  expect(await found({ created_after: moment.replace("Z", "1Z") })).toEqual([young]);
  const other = moment.replace("T", " ").replace("Z", "z").replace("t", " ");
  expect(await found({ created_after: other })).toEqual([young]);
  const leap = "2016-12-31T23:59:60Z";
  expect(await found({ created_after: leap })).toEqual([running.id, old, young]);
  expect(await found({ created_before: leap })).toEqual([]);
});

test("R-6.6-6: unreadable filters and cursors are refused", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  for (const payload of [
    { cursor: "none of ours" },
    { cursor: "" },
    { filter: { agent: "Not An Agent" } },
    { filter: { agent: "" } },
    { filter: { agent: "a@" } },
    { filter: { status: ["done"] } },
    { filter: { created_after: "yesterday" } },
    { limit: 0 },
    { limit: -1 },
    { limit: 1.5 },
    { limit: "5" },
  ]) {
    const { type, payload: error } = await list(viewer, payload);
    expect({ type, code: error.code }, JSON.stringify(payload)).toEqual({
      type: "session.error",
      code: "INVALID_REQUEST",
    });
  }
  expect((await list(viewer, { cursor: null, filter: null, limit: null })).payload.jobs).toEqual(
    [],
  );
});

test("R-6.2-3: without the feature nothing is listed", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig, "secret", ALL_FEATURES);
  expect((await list(viewer)).payload.details).toEqual({ feature: "list_jobs" });
});

test("R-4.1-7: a page of large leases stays below 1 MiB, and the enumeration is complete", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const patterns = Array.from({ length: 200 }, (_, i) => `${i}${"ä".repeat(900)}`);
  const jobs: LedJob[] = [];
  for (let i = 0; i < 8; i++) {
    rig.clock.advance(1);
    jobs.push(await rig.start(viewer, { lease_request: { "tool.call": patterns } }));
  }
  const ids = await all(viewer, {});
  expect(ids).toEqual(jobs.map(({ id }) => id));
  const pages = viewer.frames.filter(({ type }) => type === "session.jobs");
  expect(pages.length).toBeGreaterThan(2);
  for (const page of pages) {
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1024 * 1024);
  }
});

test("the limit is 100 by default and 1,000 at most", async () => {
  const rig = hosting();
  const { viewer, welcome } = await greeted(rig);
  const job = await rig.start(viewer);
  const row = await rig.store.jobs.get(job.id);
  if (row === undefined) throw new Error("no row");
  job.end("done");
  await viewer.terminal(job.id);
  for (let i = 0; i < 1200; i++) {
    const id = `job_copy_${i}` as typeof job.id;
    const status = "success" as const;
    await rig.store.jobs.insert({ ...row, id, status, acceptedAt: row.acceptedAt + i });
    await rig.store.logs.append([{ job: id, after: 0, records: [{ kind: "terminal", text: "" }] }]);
  }
  expect((await list(viewer)).payload.jobs).toHaveLength(100);
  expect((await list(viewer, { limit: 5000 })).payload.jobs).toHaveLength(1000);
  expect(new Set(await all(viewer, { limit: 700 })).size).toBe(1201);
  expect(welcome.payload.capabilities.features).toContain("list_jobs");
});

test("R-6.6-7: last_event_seq is a number of the session that submitted, however the list is requested", async () => {
  const rig = hosting({ limits: { retentionSec: 3600 } });
  const { viewer: owner, welcome } = await greeted(rig);
  const { viewer: other } = await greeted(rig);
  const one = await rig.start(owner);
  const two = await rig.start(owner);
  await settled();
  await one.ctx.thought("third of the session");
  await settled();
  // An observer's own numbers do not count.
  await other.reply(other.send("job.subscribe", { job_id: two.id, history: true }));
  const numbers = async () =>
    (await list(other)).payload.jobs
      .map(({ job_id, last_event_seq, last_job_seq }: Record<string, unknown>) => [
        job_id,
        last_event_seq,
        last_job_seq,
      ])
      .sort();
  const expected = (a: number[], b: number[]) =>
    [
      [one.id, ...a],
      [two.id, ...b],
    ].sort();
  expect(await numbers()).toEqual(expected([3, 2], [2, 1]));
  owner.sever();
  await settled();
  // What is emitted while it is away has no number yet.
  await one.ctx.thought("unnumbered");
  await two.ctx.thought("unnumbered");
  await settled();
  expect(await numbers()).toEqual(expected([3, 3], [2, 2]));
  rig.clock.advance(600_000);
  await settled();
  const late = new Viewer(rig.runtime);
  expect((await late.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  // The session is forgotten, its numbers are not.
  await one.ctx.thought("never numbered");
  await settled();
  expect(await numbers()).toEqual(expected([3, 4], [2, 2]));
});

test("R-6.6-7: an adopted job keeps the numbers of the session that submitted it", async () => {
  const rig = hosting({ limits: { retentionSec: 3600 } });
  const { viewer: owner } = await greeted(rig);
  const job = await rig.start(owner, { idempotency_key: "k" });
  for (let i = 0; i < 4; i++) await job.ctx.thought(`${i}`);
  await settled();
  owner.sever();
  await settled();
  rig.clock.advance(600_000);
  await settled();
  const { viewer } = await greeted(rig);
  const own = await rig.start(viewer);
  await settled();
  await viewer.submit("led", null, { idempotency_key: "k" });
  await settled();
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  expect((await list(viewer)).payload.jobs).toMatchObject([
    { job_id: job.id, last_event_seq: 5, last_job_seq: 6, status: "success" },
    { job_id: own.id, last_event_seq: 1 },
  ]);
});

test("J2: a job whose end has been sent is not listed as running, even if the store has not yet confirmed the end", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer);
  await settled();
  const { append } = rig.store.logs;
  const said = Promise.withResolvers<void>();
  rig.store.logs.append = async (batches) => {
    const outcomes = await append(batches);
    await said.promise;
    return outcomes;
  };
  job.end("done");
  await viewer.terminal(job.id);
  const asked = list(viewer);
  await settled();
  expect(viewer.frames.at(-1)?.type).toBe("job.result");
  said.resolve();
  expect((await asked).payload.jobs).toMatchObject([{ job_id: job.id, status: "success" }]);
});

test("R-7.6-11: no job is listed without the head of its log because the store cannot be read", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  rig.store.logs.read = () => Promise.reject(new Error("no connection"));
  expect((await list(viewer)).payload).toMatchObject({ code: "INTERNAL_ERROR" });
});
