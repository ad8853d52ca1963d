import { newJobId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { Scratch } from "../test/scratch.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";

const NOTHING = { records: 0, characters: 0 };

const events = (count: number, characters = 100) =>
  Array.from({ length: count }, () => ({ kind: "event" as const, text: "x".repeat(characters) }));

/** What appends cost a store that is at its limit and has this many finished jobs. */
async function costsBeside(finished: number) {
  const { database, connection } = CountedDatabase.open(":memory:");
  const store = storeOn(connection, { totalLogCharacters: finished * 3000 + 2900 });
  const live = [newJobId(), newJobId()];
  const ended = Array.from({ length: finished }, () => newJobId());
  const row = { principal: "alice", session: "s", request: "r", agent: "a@1.0.0", acceptedAt: 1 };
  const insert = (id: JobRow["id"]) =>
    store.jobs.insert({ ...row, id, status: "running" } as JobRow);
  await Promise.all([...live, ...ended].map(insert));
  await store.logs.append(ended.map((job) => ({ job, after: 0, records: events(1, 3000) })));
  database.ran.length = database.rows = 0;
  for (let after = 0; after < 20 * 32; after += 32) {
    await store.logs.append(live.map((job) => ({ job, after, records: events(32) })));
  }
  const costs = { ran: [...database.ran], rows: database.rows };
  const statements = new Set(costs.ran.filter((sql) => !/^(BEGIN|COMMIT)/.test(sql)));
  for (const sql of statements) expect([sql, database.scans(sql)]).toEqual([sql, []]);
  expect(database.count("DELETE FROM records")).toBeGreaterThan(20);
  await store.close();
  return costs;
}

test("J4: the cost of an eviction does not grow with the number of finished jobs", async () => {
  expect(await costsBeside(1000)).toEqual(await costsBeside(100));
});

/** A file with a log of this many records of 100 characters. */
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
    // 1,024 records, and the one that the append added.
    expect(floors.slice(0, 3)).toEqual([1025, 2050, 3075]);
    // From then on it stays at its limit.
    expect(floors.slice(9)).toEqual(Array.from({ length: 11 }, (_, i) => 9910 + i));
    await store.close();
  });
}

test("P3: a log at its limit stays at it, whatever one append adds", async () => {
  const store = sqliteStore(":memory:", { logLimits: { records: 10_000, characters: 500_000 } });
  const job = newJobId();
  await store.logs.append([{ job, after: 0, records: events(10_000, 50) }]);
  await store.logs.append([{ job, after: 10_000, records: events(5000, 10) }]);
  expect((await store.logs.read(job, 0, NOTHING)).floor).toBe(5000);
  // One record that displaces thousands of small ones.
  await store.logs.append([{ job, after: 15_000, records: events(1, 450_000) }]);
  expect((await store.logs.read(job, 0, NOTHING)).floor).toBe(10_000);
  await store.close();
});

test("J4: an append to a log far over its limit evicts no more of it than fits into a turn", async () => {
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
