import type { JobId, SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import type { JobRow } from "./job-index.ts";
import { MemoryJobs } from "./memory-jobs.ts";
import { STRIDE } from "./strides.ts";

const JOBS = 4 * STRIDE + 7;

const jobRow = (n: number, agent: string): JobRow => ({
  id: `job_${n}` as JobId,
  principal: "alice",
  session: "sess_0" as SessionId,
  features: [],
  agent,
  lease: {},
  traceId: "t",
  acceptedAt: n,
  status: "success",
});

/** The first and the last, and those around the end of a stride. */
const RARE = [0, STRIDE - 1, STRIDE, 2 * STRIDE - 2, 2 * STRIDE - 1, JOBS - 1];

async function filled(): Promise<MemoryJobs> {
  const jobs = new MemoryJobs();
  for (let n = 0; n < JOBS; n++) await jobs.insert(jobRow(n, RARE.includes(n) ? "rare" : "usual"));
  return jobs;
}

/** Runs `work`, and counts the turns of the event loop meanwhile. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

test("R-6.6-4: a listing that few jobs fit finds all of them, however many it passes over", async () => {
  const jobs = await filled();
  const ids = async (query: object) => {
    const rows = await jobs.list({ limit: 99, agent: "rare", ...query });
    return rows.map(({ acceptedAt }) => acceptedAt);
  };
  expect(await ids({})).toEqual(RARE);
  expect(await ids({ principal: "alice", limit: 3 })).toEqual(RARE.slice(0, 3));
  const after = { acceptedAt: STRIDE - 1, id: `job_${STRIDE - 1}` as JobId };
  expect(await ids({ after })).toEqual(RARE.slice(2));
  expect(await jobs.list({ limit: JOBS })).toHaveLength(JOBS);
});

test("J4, R-14-2: a listing that no job fits takes one stride per turn, and several share their turns", async () => {
  const jobs = await filled();
  const list = () => jobs.list({ limit: 99, agent: "none" });
  expect(await turnsOf(list)).toBeGreaterThanOrEqual(4);
  expect(await turnsOf(() => Promise.all([list(), list(), list()]))).toBeGreaterThanOrEqual(12);
  expect(await turnsOf(() => jobs.list({ limit: STRIDE - 1 }))).toBe(0);
});

test("a listing continues after jobs that were removed meanwhile", async () => {
  const jobs = await filled();
  const listing = jobs.list({ limit: 99, agent: "rare" });
  for (let n = 1; n < 2 * STRIDE - 2; n++) await jobs.remove(`job_${n}` as JobId);
  expect((await listing).map(({ acceptedAt }) => acceptedAt)).toEqual(
    RARE.filter((n) => n !== STRIDE),
  );
});
