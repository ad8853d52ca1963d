import { DatabaseSync } from "node:sqlite";
import { LocalError } from "@arcp/core";
import { afterAll, expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { Connection } from "./connection.ts";
import { openDatabase } from "./database-file.ts";
import { LARGEST } from "./log-table.ts";
import { checkSchema, migrate, migrations } from "./schema.ts";
import { sqliteStore } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const tables = (connection: Connection) =>
  connection.all("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name);

test("a new file gets every migration step, once", () => {
  const path = scratch.newFile();
  for (let time = 0; time < 2; time++) {
    const connection = openDatabase(path);
    expect(connection.value("PRAGMA user_version")).toBe(migrations.length);
    expect(tables(connection)).toContain("records");
    connection.close();
  }
});

test("an older file gets the steps that it lacks and keeps its content", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  const record = { principal: "a", key: "k", fingerprint: "f", job: "j" as never, acceptedAt: 1 };
  await store.idempotency.put(record);
  await store.close();
  const connection = openDatabase(path);
  const steps = [...migrations, "CREATE TABLE second (a)", "CREATE TABLE third (a)"];
  migrate(connection, steps);
  migrate(connection, steps);
  expect(connection.value("PRAGMA user_version")).toBe(steps.length);
  expect(tables(connection)).toEqual(expect.arrayContaining(["second", "third"]));
  expect(connection.value("SELECT fingerprint FROM idempotency")).toBe("f");
  expect(() => checkSchema(connection, steps)).not.toThrow();
  connection.close();
});

test("a failed step leaves nothing of itself, and the steps before it stay", () => {
  const connection = openDatabase(scratch.newFile());
  const steps = [...migrations, "CREATE TABLE second (a)", "CREATE TABLE third (a); NONSENSE"];
  expect(() => migrate(connection, steps)).toThrow("NONSENSE");
  expect(connection.value("PRAGMA user_version")).toBe(migrations.length + 1);
  expect(tables(connection)).toContain("second");
  expect(tables(connection)).not.toContain("third");
  migrate(connection, [...steps.slice(0, -1), "CREATE TABLE third (a)"]);
  expect(tables(connection)).toContain("third");
  connection.close();
});

test("a step that SQLite has rolled back by itself, as on a full disk, fails for its original reason", () => {
  const database = new DatabaseSync(scratch.newFile());
  const connection = new Connection({
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => {
      if (!sql.startsWith("CREATE TABLE")) return database.exec(sql);
      database.exec("ROLLBACK");
      throw new Error("disk I/O error");
    },
    close: () => database.close(),
  });
  expect(() => migrate(connection, ["CREATE TABLE first (a)"])).toThrow("disk I/O error");
  connection.close();
});

test("a file of a newer version is refused, with both versions named, and left untouched", () => {
  const path = scratch.newFile();
  const connection = openDatabase(path);
  migrate(connection, [...migrations, "CREATE TABLE of_the_future (a)"]);
  connection.close();
  const opening = () => sqliteStore(path);
  expect(opening).toThrow(LocalError);
  expect(opening).toThrow(
    `its schema has version ${migrations.length + 1}, and this version of @arcp/store-sqlite supports at most ${migrations.length}`,
  );
});

test("J4: the log that is next to lose records is found by an index of such logs alone", () => {
  const connection = openDatabase(":memory:");
  const plan = connection.all(`EXPLAIN QUERY PLAN ${LARGEST}`, "a").map(({ detail }) => detail);
  expect(plan).toEqual(["SEARCH logs USING INDEX logs_by_size (principal=?)"]);
  const { sql } = connection.get("SELECT sql FROM sqlite_schema WHERE name = 'logs_by_size'") ?? {};
  expect(sql).toContain("head - floor > 1");
  connection.close();
});

test("a runtime's listings are found by an index", () => {
  const connection = openDatabase(":memory:");
  const plan = (where: string) =>
    connection
      .all(
        `EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE indexed = 1 ${where} ORDER BY accepted_at, id LIMIT 9`,
      )
      .map(({ detail }) => detail)
      .join("; ");
  expect(plan("")).toBe("SCAN jobs USING INDEX jobs_by_acceptance");
  expect(plan("AND principal = 'a' AND (accepted_at, id) > (1, 'x')")).toMatch(
    /^SEARCH jobs USING INDEX jobs_by_principal \(principal=\? AND \(?accepted_at[^;]*$/,
  );
  expect(plan("AND session = 'a'")).toMatch(/^SEARCH jobs USING INDEX jobs_by_session [^;]*$/);
  expect(plan("AND parent = 'a' AND (accepted_at, id) > (1, 'x')")).toMatch(
    /^SEARCH jobs USING INDEX jobs_by_parent \(parent=\? AND \(?accepted_at[^;]*$/,
  );
  expect(plan("AND session = 'a' AND request = 'b'")).toContain("jobs_by_request");
  expect(plan("AND status IN (?, ?) AND status IN ('pending', 'running')")).toBe(
    "SCAN jobs USING INDEX jobs_unfinished",
  );
  connection.close();
});
