import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";
import { type JobId, newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { change } from "../test/host.ts";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";
import { NO_FILE } from "./wal-file.ts";

const ALL = { records: 100, characters: 100_000 };
const RECORDS = ["one", "two", "three", "four"].map((text) => ({ kind: "event", text }) as const);

/** A file with two logs, of which the first loses a record. */
async function damaged(file: string, seq: number) {
  const [hurt, whole] = [newJobId(), newJobId()];
  const store = sqliteStore(file);
  await store.logs.append([hurt, whole].map((job) => ({ job, after: 0, records: RECORDS })));
  await store.close();
  const database = new DatabaseSync(file);
  database
    .prepare("DELETE FROM records WHERE place = ((SELECT key FROM logs WHERE job = ?) << 32) + ?")
    .run(hurt, seq);
  database.close();
  return { hurt, whole };
}

test.each([2, 4])(
  "P3: record %d of four is missing in a damaged file: a read neither skips it nor waits for it",
  async (seq) => {
    using scratch = new Scratch();
    const file = scratch.newFile();
    const { hurt, whole } = await damaged(file, seq);
    const { logs, close } = sqliteStore(file);
    await expect(logs.read(hurt, 0, ALL)).rejects.toThrow(
      `the store's file is damaged: record ${seq} of ${hurt} is missing; restore the file from a backup`,
    );
    const before = await logs.read(hurt, 0, { ...ALL, records: seq - 1 });
    expect(before.records).toEqual(RECORDS.slice(0, seq - 1));
    expect((await logs.read(whole, 0, ALL)).records).toEqual(RECORDS);
    await close();
  },
);

test("P3: when all records of the newest log are missing, no others are read in their place or removed with it", async () => {
  using scratch = new Scratch();
  const file = scratch.newFile();
  const [hurt, other] = [newJobId(), newJobId()];
  const before = sqliteStore(file);
  await before.logs.append([{ job: hurt, after: 0, records: RECORDS }]);
  await before.close();
  const database = new DatabaseSync(file);
  database.exec("DELETE FROM records");
  database.close();
  const store = sqliteStore(file);
  await store.logs.append([{ job: other, after: 0, records: RECORDS }]);
  await expect(store.logs.read(hurt, 0, ALL)).rejects.toThrow(
    `records 1 to 4 of ${hurt} are missing`,
  );
  await store.logs.remove(hurt);
  await store.close();
  const { logs, close } = sqliteStore(file);
  expect((await logs.read(other, 0, ALL)).records).toEqual(RECORDS);
  await close();
});

/** The first one whatever its size, and more as long as they fit. */
function within<T extends { readonly text: string }>(records: readonly T[], characters: number) {
  let size = 0;
  return records.filter(({ text }, i) => {
    size += text.length;
    return i === 0 || size <= characters;
  });
}

test("undamaged logs can be read from any position in pages of any size", async () => {
  using scratch = new Scratch();
  const { logs, close } = sqliteStore(scratch.newFile(), { logLimits: { records: 3 } });
  const job = newJobId();
  await logs.append([{ job, after: 0, records: RECORDS }]);
  for (let after = 0; after <= 6; after++) {
    for (const records of [0, 1, 2, 3, 100]) {
      for (const characters of [0, 4, 5, 100]) {
        const page = await logs.read(job, after, { records, characters });
        const kept = RECORDS.slice(Math.max(after, 1)).slice(0, records);
        expect(page).toEqual({ floor: 1, head: 4, records: within(kept, characters) });
      }
    }
  }
  await close();
});

test.each([
  ["all", [1, 2, 3, 4]],
  ["the first ones", [1, 2]],
  ["all but the last one", [1, 2, 3]],
  ["the last ones", [3, 4]],
  ["one in between", [2]],
])(
  "R-14-2: a log of which %s are missing is still evicted, and its size stays that of its records",
  async (_, seqs) => {
    const { database, connection } = CountedDatabase.open(":memory:");
    const { logs, close } = storeOn(connection, { totalLogCharacters: 400 });
    const hurt = newJobId();
    const record = (size: number) => ({ kind: "event", text: "x".repeat(size) }) as const;
    await logs.append([{ job: hurt, after: 0, records: [130, 70, 110, 90].map(record) }]);
    for (const seq of seqs) connection.run("DELETE FROM records WHERE place = (1 << 32) + ?", seq);
    const { ran } = database;
    ran.push = (...sql) => {
      if (ran.length > 1000) throw new Error("it would go on for ever");
      return Array.prototype.push.apply(ran, sql);
    };
    for (let other = 1; other <= 4; other++) {
      await logs.append([{ job: newJobId(), after: 0, records: [record(100)] }]);
    }
    expect(await logs.read(hurt, 0, { ...ALL, records: 0 })).toMatchObject({ floor: 3, head: 4 });
    expect(connection.value("SELECT sum(size) FROM logs")).toBe(
      connection.value("SELECT sum(length(text)) FROM records"),
    );
    await close();
  },
);

/** In bytes. */
const PAGE = 4096;

/** A file with a log of which one page is garbage, and another log. */
async function torn(file: string) {
  const [hurt, whole] = [newJobId(), newJobId()];
  const store = sqliteStore(file);
  for (const [job, letters] of [
    [hurt, "abcdefghi"],
    [whole, "z"],
  ] as const) {
    const records = [...letters].map(
      (text) => ({ kind: "event", text: text.repeat(3000) }) as const,
    );
    await store.logs.append([{ job, after: 0, records }]);
  }
  await store.close();
  const bytes = readFileSync(file);
  const page = Math.floor(bytes.indexOf("e".repeat(3000)) / PAGE) * PAGE;
  writeFileSync(file, bytes.fill(0, page, page + PAGE));
  return { hurt, whole };
}

test.each([
  ["its own limit", { logLimits: { records: 2 } }],
  ["the limit of the whole store", { totalLogCharacters: 5000 }],
])("R-14-2: a log with a garbage page comes within %s, and holds nobody up", async (_, limits) => {
  using scratch = new Scratch();
  const file = scratch.newFile();
  const { hurt, whole } = await torn(file);
  const { logs, close } = sqliteStore(file, limits);
  const one = RECORDS.slice(0, 1);
  const batches = [
    { job: whole, after: 1, records: one },
    { job: hurt, after: 9, records: one },
  ];
  // The runtime tries once more in this case.
  await expect(logs.append(batches)).rejects.toThrow("malformed");
  expect(await logs.append(batches)).toEqual(["appended", "appended"]);
  expect((await logs.read(hurt, 0, { ...ALL, records: 0 })).floor).toBeGreaterThan(7);
  expect((await logs.read(whole, 1, ALL)).records).toEqual(one);
  await close();
});

test("whatever can be freed of removed logs is freed, even if a page of one is garbage", async () => {
  using scratch = new Scratch();
  const file = scratch.newFile();
  const { hurt, whole } = await torn(file);
  const connection = openDatabase(file, undefined, () => NO_FILE);
  const { logs, close } = storeOn(connection);
  await logs.remove(hurt);
  // It may share a transaction with the freeing of the other log.
  await logs.remove(whole);
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(connection.value("SELECT count(*) FROM removed")).toBe(0);
  await close();
});

test("R-14-2: a log that claims to be larger than the whole limit takes nothing from others", async () => {
  using scratch = new Scratch();
  const file = scratch.newFile();
  const [hurt, whole] = [newJobId(), newJobId()];
  const append = async (store: ReturnType<typeof sqliteStore>, job: JobId, after: number) => {
    const records = ["one", "two"].map((text) => ({ kind: "event", text }) as const);
    return store.logs.append([
      { job, after, records: after === 0 && job === hurt ? records.slice(1) : records },
    ]);
  };
  const store = sqliteStore(file);
  await append(store, hurt, 0);
  await append(store, whole, 0);
  await store.close();
  const database = new DatabaseSync(file);
  change(database, "UPDATE logs SET size = 1 << 62 WHERE job = ?", hurt);
  database.close();
  const again = sqliteStore(file);
  await append(again, whole, 2);
  expect(await again.logs.read(whole, 0, { records: 9, characters: 99 })).toMatchObject({
    floor: 0,
  });
  await again.close();
});
