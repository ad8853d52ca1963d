import assert from "node:assert/strict";
import { type JobId, newJobId } from "@arcp/core";
import type { LogRecord, Store } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { EVERYTHING, jobRow, record, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

const UNLIMITED = 1_000_000_000;
const kept = { records: UNLIMITED, characters: UNLIMITED, total: 100 };

/** Ten characters each, numbered from `from`. */
const tens = (from: number, count: number, kind?: LogRecord["kind"]): LogRecord[] =>
  Array.from({ length: count }, (_, index) => record(`${from + index}`.padStart(10, "."), kind));

async function begun(store: Store, ...principals: readonly string[]): Promise<JobId[]> {
  const jobs: JobId[] = [];
  for (const principal of principals) {
    const id = newJobId();
    await store.jobs.insert(jobRow({ id, principal }));
    jobs.push(id);
  }
  return jobs;
}

async function append({ logs }: Store, job: JobId, records: readonly LogRecord[]): Promise<void> {
  const { head } = await logs.read(job, 0, { records: 0, characters: 0 });
  same(await logs.append([{ job, after: head, records }]), ["appended"]);
}

/** Floor and head of each log. */
async function extents({ logs }: Store, jobs: readonly JobId[]): Promise<number[][]> {
  const pages = await Promise.all(jobs.map((job) => logs.read(job, 0, EVERYTHING)));
  for (const { floor, head, records } of pages) assert.equal(records.length, head - floor);
  return pages.map(({ floor, head }) => [floor, head]);
}

export const totalLimitCases: readonly StoreCase[] = [
  storeCase(
    "P3: beyond the limit of the whole store the largest log of whoever holds most loses its oldest records",
    { kept, requirements: ["R-6.3-17"] },
    async (stage) => {
      const jobs = await begun(stage.store, "alice", "alice", "bob");
      const [large, small, other] = jobs as [JobId, JobId, JobId];
      await append(stage.store, large, tens(1, 5));
      await append(stage.store, small, tens(1, 3));
      await append(stage.store, other, tens(1, 2));
      await stage.holds(async (store) =>
        same(await extents(store, jobs), [
          [0, 5],
          [0, 3],
          [0, 2],
        ]),
      );
      // The writer is not the one that loses.
      await append(stage.store, other, tens(3, 1));
      await stage.holds(async (store) => {
        same(await extents(store, jobs), [
          [1, 5],
          [0, 3],
          [0, 3],
        ]);
        same((await textsOf(store, large))[0], ".........2");
      });
      // Unless it holds most itself: then the others keep theirs.
      await append(stage.store, other, tens(4, 4));
      await append(stage.store, other, tens(8, 12));
      await stage.holds(async (store) => {
        const [, [floor = 0, head] = []] = [0, (await extents(store, jobs))[2]];
        same([floor > 12, head], [true, 19]);
        const held = (await Promise.all(jobs.map((job) => textsOf(store, job)))).flat();
        same(held.join("").length, 100);
        // Neither principal has much more than the other.
        const shares = [held.length - (19 - floor), 19 - floor];
        assert.ok(Math.abs((shares[0] ?? 0) - (shares[1] ?? 0)) <= 1, `${shares}`);
      });
    },
  ),

  storeCase(
    "P3: chunks of results count for the whole store, and the newest record of a log stays whatever its size",
    { kept, requirements: ["R-6.3-17"] },
    async (stage) => {
      const jobs = await begun(stage.store, "alice", "bob", "carol");
      const [first, second, third] = jobs as [JobId, JobId, JobId];
      await append(stage.store, first, tens(1, 8, "result_chunk"));
      await append(stage.store, second, tens(1, 4));
      await stage.holds(async (store) =>
        same(await extents(store, jobs), [
          [2, 8],
          [0, 4],
          [0, 0],
        ]),
      );
      await append(stage.store, third, [record("x".repeat(500))]);
      await stage.holds(async (store) =>
        same(await extents(store, jobs), [
          [5, 8],
          [1, 4],
          [0, 1],
        ]),
      );
    },
  ),

  storeCase(
    "R-14-2: what one principal holds and cannot lose takes no more from another one than what is above an equal share",
    { kept, requirements: ["R-14-2"] },
    async (stage) => {
      const [bob, live] = (await begun(stage.store, "bob", "alice")) as [JobId, JobId];
      await append(stage.store, bob, tens(1, 8));
      const ended = await begun(stage.store, ...Array<string>(20).fill("alice"));
      for (const job of ended) await append(stage.store, job, [record("x".repeat(90), "terminal")]);
      await stage.holds(async (store) => {
        same(await extents(store, [bob]), [[3, 8]]);
        // The newest record of a log stays.
        same(
          await extents(store, ended),
          ended.map(() => [0, 1]),
        );
      });
      // A principal above its share still has records to lose, and a share shrinks as principals are added.
      await append(stage.store, live, tens(1, 5));
      await append(stage.store, bob, tens(9, 2));
      await stage.holds(async (store) =>
        same(await extents(store, [bob, live]), [
          [5, 10],
          [4, 5],
        ]),
      );
      const [carol] = (await begun(stage.store, "carol")) as [JobId];
      await append(stage.store, carol, tens(1, 1));
      await stage.holds(async (store) =>
        same(await extents(store, [bob, carol]), [
          [7, 10],
          [0, 1],
        ]),
      );
      for (const job of ended) await stage.store.logs.remove(job);
      await append(stage.store, bob, tens(11, 5));
      await stage.holds(async (store) => same(await extents(store, [bob]), [[7, 15]]));
    },
  ),

  storeCase(
    "J4: beyond what an append brings it evicts no more than 1,024 records",
    { kept: { ...kept, total: 10_000 } },
    async (stage) => {
      const [bob, carol] = (await begun(stage.store, "bob", "carol")) as [JobId, JobId];
      const ended = await begun(stage.store, ...Array<string>(20).fill("alice"));
      await append(stage.store, bob, Array<LogRecord>(5000).fill(record("x")));
      for (const job of ended) await append(stage.store, job, [record("x".repeat(500))]);
      await stage.holds(async (store) => same(await extents(store, [bob]), [[0, 5000]]));
      // A third principal: a share is smaller from now on.
      await append(stage.store, carol, [record("x")]);
      await stage.holds(async (store) => same(await extents(store, [bob]), [[1025, 5000]]));
      await append(stage.store, carol, [record("x")]);
      await stage.holds(async (store) =>
        same(await extents(store, [bob, carol]), [
          [1667, 5000],
          [0, 2],
        ]),
      );
    },
  ),

  storeCase(
    "what a removed log held is free again, and a log without a job's row is somebody's too",
    { kept },
    async (stage) => {
      const [gone, next] = (await begun(stage.store, "alice", "alice")) as [JobId, JobId];
      const unknown = newJobId();
      await append(stage.store, gone, tens(1, 7));
      await append(stage.store, unknown, tens(1, 3));
      await stage.store.logs.remove(gone);
      await append(stage.store, next, tens(1, 7));
      await stage.holds(async (store) =>
        same(await extents(store, [gone, next, unknown]), [
          [0, 0],
          [0, 7],
          [0, 3],
        ]),
      );
      await append(stage.store, unknown, tens(4, 5));
      await stage.holds(async (store) => {
        same(await extents(store, [next, unknown]), [
          [2, 7],
          [3, 8],
        ]);
      });
    },
  ),

  storeCase(
    "J1: an append that is fenced off takes nothing from anybody",
    { kept },
    async (stage) => {
      const jobs = await begun(stage.store, "alice", "bob");
      const [full, fenced] = jobs as [JobId, JobId];
      await append(stage.store, full, tens(1, 10));
      const outcome = await stage.store.logs.append([
        { job: fenced, after: 3, records: tens(1, 10) },
      ]);
      same(outcome, ["fenced"]);
      await stage.holds(async (store) =>
        same(await extents(store, jobs), [
          [0, 10],
          [0, 0],
        ]),
      );
    },
  ),
];
