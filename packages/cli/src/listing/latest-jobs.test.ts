import type { JobFilter, ListedJob } from "@arcp/client";
import { expect, test } from "vitest";
import { latestJobs } from "./latest-jobs.ts";

const NOW = Date.parse("2026-06-15T12:00:00Z");
const { signal } = new AbortController();

/** Jobs of these ages in milliseconds, oldest first, and how many of them were listed. */
function listing(ages: readonly number[]) {
  const all = ages.map(
    (age, index): ListedJob => ({
      id: `job_${index}`,
      agent: "a",
      status: "success",
      lease: {},
      parent: undefined,
      createdAt: new Date(NOW - age),
      traceId: undefined,
    }),
  );
  const source = {
    listed: 0,
    async *jobs({ createdAfter, status }: JobFilter) {
      expect(status).toEqual(["success"]);
      for (const job of all) {
        if (createdAfter !== undefined && job.createdAt <= createdAfter) continue;
        source.listed += 1;
        yield job;
      }
    },
  };
  const latest = async (limit: number, now = NOW) => {
    source.listed = 0;
    const found = await latestJobs(source, { status: ["success"] }, limit, now, signal);
    expect(found.latest).toEqual(all.slice(-limit));
    return { all: found.all, listed: source.listed };
  };
  return { latest };
}

/** One each minute. */
const minutes = (count: number) => Array.from({ length: count }, (_, n) => (count - n) * 60_000);

test("few jobs are listed once, and counted", async () => {
  expect(await listing([]).latest(20)).toEqual({ all: 0, listed: 0 });
  expect(await listing(minutes(99)).latest(20)).toEqual({ all: 99, listed: 99 });
});

test("the latest of very many jobs are found without listing them all", async () => {
  const many = listing(minutes(10_000));
  const { all, listed } = await many.latest(20);
  expect(all).toBeUndefined();
  expect(listed).toBeLessThan(300);
  // Whatever the clock of this machine says.
  expect((await many.latest(20, NOW - 3_600_000)).listed).toBeLessThan(300);
  expect((await many.latest(20, NOW + 3_600_000)).listed).toBeLessThan(1_500);
  await many.latest(20, NOW - 1e9);
});

test("jobs that were created all at once, or are asked for all together, are listed in full", async () => {
  const old = Array.from({ length: 500 }, () => 86_400_000);
  expect((await listing(old).latest(20)).all).toBe(500);
  expect((await listing(minutes(500)).latest(5_000)).all).toBe(500);
});
