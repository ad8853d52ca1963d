import { newJobId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { sqliteStore } from "./sqlite-store.ts";

const NOTHING = { records: 0, characters: 0 };

const events = (count: number, characters = 100) =>
  Array.from({ length: count }, () => ({ kind: "event" as const, text: "x".repeat(characters) }));

/** A store at its limit, beside so many finished jobs. */
async function fullBeside(finished: number) {
  const store = sqliteStore(":memory:", { totalLogCharacters: finished * 3000 + 2900 });
  const live = [newJobId(), newJobId()];
  const ended = Array.from({ length: finished }, () => newJobId());
  const row = { principal: "alice", session: "s", request: "r", agent: "a@1.0.0", acceptedAt: 1 };
  const insert = (id: JobRow["id"]) =>
    store.jobs.insert({ ...row, id, status: "running" } as JobRow);
  await Promise.all([...live, ...ended].map(insert));
  await store.logs.append(ended.map((job) => ({ job, after: 0, records: events(1, 3000) })));
  let after = 0;
  const append = async (): Promise<void> => {
    await store.logs.append(live.map((job) => ({ job, after, records: events(32) })));
    after += 32;
  };
  for (let warm = 0; warm < 12; warm++) await append();
  return { append, close: () => store.close() };
}

/** The least milliseconds that an append to each store takes, of several by turns: what else the machine does is in none. */
async function leastCosts(
  stores: readonly { append(): Promise<void> }[],
): Promise<readonly number[]> {
  const least = stores.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < 10; turn++) {
    for (const [index, { append }] of stores.entries()) {
      const start = performance.now();
      await append();
      least[index] = Math.min(least[index] ?? 0, performance.now() - start);
    }
  }
  return least;
}

test("J4: what an eviction costs does not grow with the number of finished jobs", async () => {
  const stores = [await fullBeside(10), await fullBeside(5000)];
  const [few = 0, many = 0] = await leastCosts(stores);
  expect(many).toBeLessThan(5 * few);
  for (const store of stores) await store.close();
});

/** A file with a log of so many records of 100 characters. */
async function filled(path: string, records: number): Promise<JobRow["id"]> {
  const job = newJobId();
  const store = sqliteStore(path);
  for (let after = 0; after < records; after += 10_000) {
    await store.logs.append([{ job, after, records: events(10_000) }]);
  }
  await store.close();
  return job;
}

for (const [name, limits] of [
  ["its own limit", { logLimits: { records: 100 } }],
  ["its own limit of characters", { logLimits: { characters: 10_000 } }],
  ["the limit of the whole store", { totalLogCharacters: 10_000 }],
] as const) {
  test(`J4, P3: a log far over ${name}, which was lowered, comes within it a little at each append`, async () => {
    using scratch = new Scratch();
    const path = scratch.newFile();
    const job = await filled(path, 10_000);
    const store = sqliteStore(path, limits);
    const floors: number[] = [];
    for (let after = 10_000; after < 10_000 + 20; after++) {
      await store.logs.append([{ job, after, records: events(1) }]);
      floors.push((await store.logs.read(job, 0, NOTHING)).floor);
    }
    // 1,024 records, and the one that the append brought.
    expect(floors.slice(0, 3)).toEqual([1025, 2050, 3075]);
    // From then on it stays at its limit.
    expect(floors.slice(9)).toEqual(Array.from({ length: 11 }, (_, i) => 9910 + i));
    await store.close();
  });
}

test("P3: a log at its limit stays at it, whatever one append brings", async () => {
  const store = sqliteStore(":memory:", { logLimits: { records: 10_000, characters: 500_000 } });
  const job = newJobId();
  await store.logs.append([{ job, after: 0, records: events(10_000, 50) }]);
  await store.logs.append([{ job, after: 10_000, records: events(5000, 10) }]);
  expect((await store.logs.read(job, 0, NOTHING)).floor).toBe(5000);
  // One record for which thousands of small ones go.
  await store.logs.append([{ job, after: 15_000, records: events(1, 450_000) }]);
  expect((await store.logs.read(job, 0, NOTHING)).floor).toBe(10_000);
  await store.close();
});

test("J4: an append that comes to a log far over its limit clears no more of it than fits into a turn", async () => {
  using scratch = new Scratch();
  const path = scratch.newFile();
  const job = await filled(path, 30_000);
  const store = sqliteStore(path, { logLimits: { records: 100 }, totalLogCharacters: 1000 });
  let floor = 0;
  for (let after = 30_000; after < 30_000 + 9; after++) {
    await store.logs.append([{ job, after, records: events(1) }]);
    const next = (await store.logs.read(job, 0, NOTHING)).floor;
    expect(next).toBeGreaterThan(floor);
    expect(next - floor).toBeLessThanOrEqual(2 * 1024);
    floor = next;
  }
  await store.close();
});
