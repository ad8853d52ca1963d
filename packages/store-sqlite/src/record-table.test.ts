import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { newJobId } from "@arcp/core";
import type { LogRecord } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import type { Database, Values } from "./connection.ts";
import { openDatabase } from "./database-file.ts";
import { LAST_SEQ, RecordTable, recordIn } from "./record-table.ts";
import { storeOn } from "./sqlite-store.ts";

const record = (text: string): LogRecord => ({ kind: "event", text });
const texts = (rows: Iterable<Values>) => [...rows].map((row) => recordIn(row).text);

/** As Node does it from 26 on: no result with an inexact number is returned. */
function exactly(place: string): Database {
  const database = new DatabaseSync(place);
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      const run = statement.run.bind(statement);
      return Object.assign(statement, {
        run(...values: readonly SQLInputValue[]) {
          const result = run(...values);
          const { lastInsertRowid: row } = result;
          if (typeof row === "bigint" || Number.isSafeInteger(row)) return result;
          throw new RangeError(
            `Value is too large to be represented as a JavaScript number: ${row}`,
          );
        },
      });
    },
  };
}

test.each([1, 2 ** 21, 2 ** 31 - 2])("J1: log %d and the next one share nothing", (log) => {
  const connection = openDatabase(":memory:", exactly);
  const table = new RecordTable(connection);
  // Some of these places differ by one, beyond the precision of a JavaScript number.
  for (const [of, seqs] of [
    [log, [1, 2, LAST_SEQ - 1, LAST_SEQ]],
    [log + 1, [1, 2]],
  ] as const) {
    for (const seq of seqs) table.insert(of, seq, "event", `${of}: ${seq}`);
  }
  expect(texts(table.after(log, 0, 9))).toEqual(
    [1, 2, LAST_SEQ - 1, LAST_SEQ].map((seq) => `${log}: ${seq}`),
  );
  expect(texts(table.after(log, 1, 2))).toEqual([`${log}: 2`, `${log}: ${LAST_SEQ - 1}`]);
  for (const beyond of [LAST_SEQ, LAST_SEQ + 1, Number.MAX_SAFE_INTEGER]) {
    expect(texts(table.after(log, beyond, 9))).toEqual([]);
  }
  expect([...table.sizes(log, 1)]).toEqual([{ seq: 1, bytes: `${log}: 1`.length }]);
  expect(table.lastLog).toBe(log + 1);
  table.removeUpTo(log, LAST_SEQ - 1);
  expect(texts(table.after(log, 0, 9))).toEqual([`${log}: ${LAST_SEQ}`]);
  table.removeUpTo(log, LAST_SEQ);
  expect(texts(table.after(log, 0, 9))).toEqual([]);
  expect(texts(table.after(log + 1, 0, 9))).toEqual([`${log + 1}: 1`, `${log + 1}: 2`]);
  connection.close();
});

test("a full log takes nothing more, and others do", async () => {
  const connection = openDatabase(":memory:");
  const [full, other] = [newJobId(), newJobId()];
  const before = storeOn(connection);
  await before.logs.append([{ job: full, after: 0, records: [record("first")] }]);
  connection.run(
    "UPDATE logs SET head = ?, floor = ? - 1 WHERE job = ?",
    LAST_SEQ - 1,
    LAST_SEQ - 1,
    full,
  );
  // A store remembers what it wrote itself.
  const store = storeOn(connection);
  const [early, last] = [record("two"), record("last")];
  const outcomes = await Promise.all([
    store.logs.append([{ job: full, after: LAST_SEQ - 1, records: [early, last] }]),
    store.logs.append([{ job: full, after: LAST_SEQ - 1, records: [last] }]),
    store.logs.append([{ job: full, after: LAST_SEQ, records: [early] }]),
    store.logs.append([{ job: other, after: 0, records: [early] }]),
  ]);
  expect(outcomes).toEqual([["fenced"], ["appended"], ["fenced"], ["appended"]]);
  const page = await store.logs.read(full, LAST_SEQ - 1, { records: 9, characters: 99 });
  expect(page).toMatchObject({ head: LAST_SEQ, records: [last] });
  await store.close();
});

test("records of any length take little more room than their text", async () => {
  const connection = openDatabase(":memory:");
  const store = storeOn(connection);
  for (const [length, most] of [
    [300, 1.2],
    [1_000, 1.4],
    [2_000, 1.1],
    [3_000, 1.5],
    [10_000, 1.3],
  ] as const) {
    const before = Number(connection.value("PRAGMA page_count"));
    const records = Array.from({ length: 200 }, () => record("x".repeat(length)));
    await store.logs.append([{ job: newJobId(), after: 0, records }]);
    const pages = Number(connection.value("PRAGMA page_count")) - before;
    expect((pages * 4096) / (200 * length), `${length}`).toBeLessThan(most);
  }
  await store.close();
});
