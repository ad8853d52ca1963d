import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";

const ALL = { records: 1000, characters: 1_000_000 };
const tens = (count: number) =>
  Array.from({ length: count }, () => ({ kind: "event" as const, text: "0123456789" }));

test("what a failed transaction would have added does not count", async () => {
  const store = sqliteStore(":memory:", { totalLogCharacters: 100 });
  const [job, other] = [newJobId(), newJobId()];
  const unusable = { id: job, acceptedAt: Number.NaN } as never;
  for (let i = 0; i < 3; i++) {
    const outcomes = await Promise.allSettled([
      store.logs.append([{ job, after: 0, records: tens(6) }]),
      store.jobs.insert(unusable),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  }
  await store.logs.append([{ job, after: 0, records: tens(6) }]);
  // Nor does a failed removal.
  await Promise.allSettled([store.logs.remove(job), store.jobs.insert(unusable)]);
  await store.logs.append([{ job: other, after: 0, records: tens(4) }]);
  expect((await store.logs.read(job, 0, ALL)).floor).toBe(0);
  await store.logs.append([{ job: other, after: 4, records: tens(1) }]);
  expect((await store.logs.read(job, 0, ALL)).floor).toBe(1);
  await store.close();
});

test("what a failed transaction would have added does not count even if the disk cannot be read at that moment", async () => {
  const database = new DatabaseSync(":memory:");
  let broken = false;
  const connection = openDatabase(":memory:", () => ({
    prepare: (sql) => {
      const statement = database.prepare(sql);
      const all = statement.all.bind(statement);
      return Object.assign(statement, {
        all: (...values: SQLInputValue[]) => {
          if (broken && sql.includes("GROUP BY principal")) throw new Error("disk I/O error");
          return all(...values);
        },
      });
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  }));
  const store = storeOn(connection, { totalLogCharacters: 100 });
  const [job, other] = [newJobId(), newJobId()];
  await store.logs.append([{ job, after: 0, records: tens(6) }]);
  broken = true;
  const unusable = { id: job, acceptedAt: Number.NaN } as never;
  const append = store.logs.append([{ job: other, after: 0, records: tens(4) }]);
  const [outcome] = await Promise.allSettled([append, store.jobs.insert(unusable)]);
  expect(String((outcome as PromiseRejectedResult).reason)).not.toContain("disk I/O error");
  broken = false;
  await store.logs.append([{ job: other, after: 0, records: tens(4) }]);
  expect((await store.logs.read(job, 0, ALL)).floor).toBe(0);
  await store.close();
});

test("a file above its limit comes within it a little at each append", async () => {
  using scratch = new Scratch();
  const path = scratch.newFile();
  const [job, other] = [newJobId(), newJobId()];
  const large = { kind: "event" as const, text: "x".repeat(256 * 1024) };
  const before = sqliteStore(path);
  for (let after = 0; after < 24; after += 4) {
    await before.logs.append([{ job, after, records: Array(4).fill(large) }]);
  }
  await before.close();
  const store = sqliteStore(path, { totalLogCharacters: 1024 * 1024 });
  const floors: number[] = [];
  for (let after = 0; after < 8; after++) {
    await store.logs.append([{ job: other, after, records: tens(1) }]);
    floors.push((await store.logs.read(job, 0, { records: 0, characters: 0 })).floor);
  }
  // A little more than a MiB each time; the last one leaves room for the ten characters of each append.
  expect(floors.slice(0, 3)).toEqual([5, 10, 15]);
  expect(floors.at(-1)).toBe(21);
  await store.close();
});
