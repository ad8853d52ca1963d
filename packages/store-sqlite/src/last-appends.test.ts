import { type JobId, newJobId } from "@arcp/core";
import type { LogRecord, LongText } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { GroupCommit } from "./group-commit.ts";
import { JobTable } from "./job-table.ts";
import { DEFAULT_LOG_LIMITS } from "./log-limits.ts";
import { Reclaimer } from "./reclaimer.ts";
import { RecordLog } from "./record-log.ts";
import { RecordTable } from "./record-table.ts";

const ALL = { records: 1_000, characters: 1_000_000 };

const record = (text: string): LogRecord => ({ kind: "event", text });

/** The logs on a counted database, and what was asked of it since the last look. */
function open(total = Number.POSITIVE_INFINITY) {
  const { database, connection } = CountedDatabase.open(":memory:");
  const group = new GroupCommit(connection);
  const table = new RecordTable(connection);
  const reclaimer = new Reclaimer(connection, group, table);
  const jobs = new JobTable(connection, group);
  const logs = new RecordLog(connection, group, jobs, table, reclaimer, {
    ...DEFAULT_LOG_LIMITS,
    total,
  });
  const append = async (job: JobId, after: number, ...texts: readonly string[]) =>
    (await logs.append([{ job, after, records: texts.map(record) }]))[0];
  const asked = (): string[] => {
    const ran = database.ran.splice(0);
    return ran.filter((sql) => /^SELECT (?!coalesce)/.test(sql));
  };
  asked();
  return { group, logs, append, asked, close: () => connection.close() };
}

test("the latest appends are read, and continued, without a query", async () => {
  const { logs, append, asked, close } = open();
  const job = newJobId();
  await append(job, 0, "one", "two");
  // // The only query: whether there is such a log, and whose it is.
  expect(asked()).toContainEqual(expect.stringContaining("FROM logs WHERE job = ?"));
  expect(await logs.read(job, 0, ALL)).toEqual({
    floor: 0,
    head: 2,
    records: [record("one"), record("two")],
  });
  expect(await append(job, 2, "three")).toBe("appended");
  expect(await append(job, 2, "another")).toBe("fenced");
  expect(await logs.read(job, 2, ALL)).toEqual({ floor: 0, head: 3, records: [record("three")] });
  expect(asked()).toEqual([]);
  close();
});

test("they are read from any position in pages of any size", async () => {
  const { logs, append, close } = open();
  const job = newJobId();
  await append(job, 0, "one");
  await append(job, 1, "two", "three", "four");
  const texts = ["one", "two", "three", "four"];
  for (let after = 0; after <= 4; after++) {
    for (const records of [0, 1, 2, 3, 4]) {
      const page = await logs.read(job, after, { records, characters: 100 });
      expect(page.records).toEqual(texts.slice(after, after + records).map(record));
    }
  }
  for (const [characters, count] of [
    [0, 1],
    [7, 1],
    [8, 2],
    [11, 2],
    [12, 3],
  ]) {
    expect((await logs.read(job, 1, { records: 9, characters: characters ?? 0 })).records).toEqual(
      texts.slice(1, 1 + (count ?? 0)).map(record),
    );
  }
  close();
});

/** How many other logs are written to meanwhile. */
const OTHERS = [[0], [300]];

test.each(OTHERS)("nothing of a failed transaction is kept: %j", async (others) => {
  const { group, logs, append, close } = open();
  const job = newJobId();
  await append(job, 0, "one");
  for (let i = 0; i < others; i++) await append(newJobId(), 0, "other");
  const failing = (): never => {
    throw new Error("full");
  };
  const lost = await Promise.allSettled([append(job, 1, "lost"), group.write(failing)]);
  expect(lost.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await logs.read(job, 0, ALL)).toEqual({ floor: 0, head: 1, records: [record("one")] });
  expect(await append(job, 1, "two")).toBe("appended");
  expect((await logs.read(job, 0, ALL)).records).toEqual(["one", "two"].map(record));
  close();
});

test("R-14-2: records evicted because of the total limit are not read from memory", async () => {
  const { logs, append, close } = open(10);
  const [large, small] = [newJobId(), newJobId()];
  await append(large, 0, "12345", "678");
  await append(small, 0, "abcd");
  expect(await logs.read(large, 0, ALL)).toEqual({ floor: 1, head: 2, records: [record("678")] });
  expect(await append(large, 2, "9")).toBe("appended");
  expect(await logs.read(large, 1, ALL)).toMatchObject({ floor: 1, head: 3 });
  close();
});

test.each(OTHERS)("a removed log is gone, and can start anew: %j", async (others) => {
  const { logs, append, close } = open();
  const job = newJobId();
  await append(job, 0, "one");
  for (let i = 0; i < others; i++) await append(newJobId(), 0, "other");
  await logs.remove(job);
  expect(await logs.read(job, 0, ALL)).toEqual({ floor: 0, head: 0, records: [] });
  expect(await append(job, 0, "new")).toBe("appended");
  expect((await logs.read(job, 0, ALL)).records).toEqual([record("new")]);
  close();
});

test("they are what was appended, whatever the writer and readers do with their arrays", async () => {
  const { logs, close } = open();
  const job = newJobId();
  const mine = [record("one"), record("two")];
  await logs.append([{ job, after: 0, records: mine }]);
  mine.splice(0, 2, record("other"), record("others"));
  for (let reader = 0; reader < 2; reader++) {
    const page = await logs.read(job, 0, ALL);
    expect(page.records).toEqual(["one", "two"].map(record));
    (page.records as LogRecord[]).reverse();
  }
  close();
});

test("a long text is lent only for the call, so it is read from the file", async () => {
  const { logs, close } = open();
  const job = newJobId();
  const long = { toOwnString: () => "own" } as LongText;
  await logs.append([{ job, after: 0, records: [{ kind: "event", text: "lent", long }] }]);
  expect((await logs.read(job, 0, ALL)).records).toEqual([record("own")]);
  close();
});

test.each([
  [16, 0],
  [17, 1],
])(
  "a small append is read from memory, one of a flood is not: %i records are read from the file %i times",
  async (count, reads) => {
    const { logs, append, asked, close } = open();
    const job = newJobId();
    const texts = Array.from({ length: count }, (_, i) => `${i}`);
    await append(job, 0, ...texts);
    asked();
    expect((await logs.read(job, 0, ALL)).records).toEqual(texts.map(record));
    expect(asked()).toHaveLength(reads);
    close();
  },
);

test.each([
  ["logs", 600, 256, "short"],
  ["characters", 30, 8, "x".repeat(32 * 1024)],
])("they are bounded by %s", async (_, count, least, text) => {
  const { logs, append, asked, close } = open();
  const jobs = Array.from({ length: count }, () => newJobId());
  for (const job of jobs) await append(job, 0, text);
  asked();
  for (const job of jobs) expect((await logs.read(job, 0, ALL)).records).toEqual([record(text)]);
  const inMemory = count - asked().length / 2;
  expect(inMemory).toBeGreaterThan(least);
  expect(inMemory).toBeLessThan(2 * least + 1);
  close();
});
