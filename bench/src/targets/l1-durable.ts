import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { oneByOne } from "./l1.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/**
 * L1 with the commits that a durable submit needs at least: one before its acceptance and one before its stream, each of
 * one small row, by the SQLite of this Node as the store sets it up.
 */
export const start: StartTarget = ({ directory }) => {
  const commit = committer(join(directory, "l1.db"));
  return new RawServer({
    ...oneByOne,
    accept: commit,
    stream(followers, job) {
      commit();
      return oneByOne.stream(followers, job);
    },
  }).listen();
};

function committer(path: string): () => void {
  const database = new DatabaseSync(path);
  // As the store has its file to itself, so that a commit needs neither locks nor shared memory.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  const begin = database.prepare("BEGIN");
  const insert = database.prepare("INSERT INTO rows (text) VALUES (?)");
  const commit = database.prepare("COMMIT");
  return () => {
    begin.run();
    insert.run("a small row");
    commit.run();
  };
}
