import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { bareCommit } from "./bare-commit.ts";
import { Scratch } from "./scratch.ts";

test("each of the transactions is a commit of one row, in a file in WAL mode", () => {
  using scratch = new Scratch();
  const { directory } = scratch;
  expect(bareCommit(directory, { warmUp: 3, measured: 7 })).toBeGreaterThan(0);
  const database = new DatabaseSync(join(directory, "bare-commit.db"));
  expect(database.prepare("SELECT count(*) AS rows FROM rows").get()).toEqual({ rows: 10 });
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
});

test("it is measured as often as it is asked for", () => {
  using scratch = new Scratch();
  for (let i = 0; i < 2; i++) {
    expect(bareCommit(scratch.directory, { warmUp: 0, measured: 2 })).toBeGreaterThan(0);
  }
});
