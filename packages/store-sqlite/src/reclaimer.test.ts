import { statSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { newJobId } from "@arcp/core";
import type { LogRecord, Store } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { Scratch } from "../test/scratch.ts";
import type { Connection } from "./connection.ts";
import { openDatabase } from "./database-file.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";
import { NO_FILE } from "./wal-file.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

/** On a disk that needs no time, since these tests wait in turns. */
const open = (path: string): Connection => openDatabase(path, undefined, () => NO_FILE);

const records = (count: number, size: number): LogRecord[] =>
  Array.from({ length: count }, () => ({ kind: "event", text: "x".repeat(size) }));

async function filled(store: Store, count: number, size = 300) {
  const job = newJobId();
  for (let after = 0; after < count; after += 500)
    await store.logs.append([{ job, after, records: records(500, size) }]);
  return job;
}

const left = (connection: Connection) => [
  connection.value("SELECT count(*) FROM records"),
  connection.value("SELECT count(*) FROM logs"),
];

/** Waits until the connection has nothing to free. */
async function freed(connection: Connection): Promise<void> {
  while (connection.value("SELECT count(*) FROM removed") !== 0) await turn();
  for (let last = -1; ; ) {
    const pages = Number(connection.value("PRAGMA page_count"));
    if (pages === last) return;
    last = pages;
    for (let i = 0; i < 5; i++) await turn();
  }
}

test("with nothing to free there is no transaction", async () => {
  const { database, connection } = CountedDatabase.open(scratch.newFile());
  database.ran.length = 0;
  const store = storeOn(connection);
  for (let i = 0; i < 5; i++) await turn();
  expect(database.ran).toContain("PRAGMA freelist_count");
  expect(database.ran).not.toContain("BEGIN");
  await store.close();
});

test("a removed log is freed in steps, and others can write in between", async () => {
  const connection = open(scratch.newFile());
  const store = storeOn(connection);
  const job = await filled(store, 5000);
  const kept = await filled(store, 500);
  await store.logs.remove(job);
  const [before] = left(connection);
  expect(Number(before)).toBeGreaterThan(5000);
  await store.logs.append([{ job: kept, after: 500, records: records(1, 1) }]);
  const [between] = left(connection);
  expect(Number(between)).toBeGreaterThan(3000);
  await freed(connection);
  expect(left(connection)).toEqual([501, 1]);
  await store.close();
});

test("short logs are freed many at a time, as fast as logs that end together are removed", async () => {
  const { database, connection } = CountedDatabase.open(":memory:");
  const store = storeOn(connection);
  const jobs = Array.from({ length: 2000 }, () => newJobId());
  await store.logs.append(jobs.map((job) => ({ job, after: 0, records: records(2, 100) })));
  database.ran.length = 0;
  await Promise.all(jobs.map((job) => store.logs.remove(job)));
  await freed(connection);
  expect(left(connection)).toEqual([0, 0]);
  // For each log two records and a row.
  expect(database.count("COMMIT")).toBeLessThanOrEqual((3 * 2000) / 1024 + 3);
  await store.close();
});

test("large records are freed a few at a time", async () => {
  const connection = open(scratch.newFile());
  const store = storeOn(connection);
  const job = newJobId();
  await store.logs.append([{ job, after: 0, records: records(20, 1 << 20) }]);
  await store.logs.remove(job);
  await turn();
  await turn();
  expect(Number(left(connection)[0])).toBeGreaterThan(10);
  await freed(connection);
  expect(left(connection)).toEqual([0, 0]);
  await store.close();
});

test("freeing goes on after a restart", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  const job = await filled(store, 2000);
  await store.logs.remove(job);
  await store.close();
  const connection = open(path);
  expect(Number(left(connection)[0])).toBeGreaterThan(0);
  const again = storeOn(connection);
  await freed(connection);
  expect(left(connection)).toEqual([0, 0]);
  await again.close();
});

test("what is removed in the very transaction that found nothing left to free is freed as well", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  const job = await filled(store, 20);
  await store.close();
  const connection = open(path);
  const again = storeOn(connection);
  // By now the first step, for what an earlier process may have left, is queued in front of this.
  await again.logs.remove(job);
  await freed(connection);
  expect(left(connection)).toEqual([0, 0]);
  await again.close();
});

test("a file shrinks after much was removed from it", async () => {
  const path = scratch.newFile();
  const connection = open(path);
  const store = storeOn(connection);
  const job = await filled(store, 20_000);
  connection.execute("PRAGMA wal_checkpoint");
  const before = statSync(path).size;
  await store.logs.remove(job);
  await freed(connection);
  await store.close();
  expect(before).toBeGreaterThan(5_000_000);
  expect(statSync(path).size).toBeLessThan(before / 4);
});

test("with retention a file does not grow: it has at most 1.2 times the size after four times the events", async () => {
  const connection = open(scratch.newFile());
  const store = storeOn(connection);
  const jobs: Awaited<ReturnType<typeof filled>>[] = [];
  const sizes: number[] = [];
  for (let i = 1; i <= 40; i++) {
    jobs.push(await filled(store, 1000));
    const oldest = jobs.length > 5 ? jobs.shift() : undefined;
    if (oldest !== undefined) await store.logs.remove(oldest);
    if (i % 10 === 0) {
      await freed(connection);
      sizes.push(Number(connection.value("PRAGMA page_count")));
    }
  }
  expect(sizes[3]).toBeLessThanOrEqual(1.2 * (sizes[0] ?? 0));
  await store.close();
});

test("a log at its limits does not make the file grow either", async () => {
  const connection = open(scratch.newFile());
  const store = storeOn(connection, { logLimits: { records: 2000 } });
  const job = newJobId();
  const sizes: number[] = [];
  for (let after = 0; after < 20_000; after += 500) {
    await store.logs.append([{ job, after, records: records(500, 300) }]);
    if (after % 5000 === 4500) sizes.push(Number(connection.value("PRAGMA page_count")));
  }
  expect(sizes[3]).toBeLessThanOrEqual(1.2 * (sizes[0] ?? 0));
  await store.close();
});

test("a new log never gets the key of one that still waits to be freed", async () => {
  const path = scratch.newFile();
  const before = open(path);
  // As a process leaves it that dies between the steps: the second of two logs has no records any more.
  before.execute("INSERT INTO records (place, kind, text) VALUES ((1 << 32) | 1, 0, 'x')");
  before.execute("INSERT INTO removed (log) VALUES (1), (2)");
  before.close();
  const connection = open(path);
  const store = storeOn(connection);
  const job = newJobId();
  await store.logs.append([{ job, after: 0, records: records(3, 1) }]);
  await freed(connection);
  expect(left(connection)).toEqual([3, 1]);
  await store.close();
});
