import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The file name of {@link rawCommits}. */
export const RAW_FILE = "l1.db";

/**
 * Commits of one small row each, by the SQLite of this Node.
 *
 * @param synchronous `FULL` syncs each within the commit, `NORMAL` leaves that to the caller
 * @returns a function that makes one
 */
export function rawCommits(directory: string, synchronous: "FULL" | "NORMAL"): () => void {
  const database = new DatabaseSync(join(directory, RAW_FILE));
  // Like the store, it has its file to itself, so that a commit needs neither locks nor shared memory.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${synchronous}`);
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
