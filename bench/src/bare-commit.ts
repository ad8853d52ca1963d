import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { percentile } from "./statistics.ts";

/** Until the write-ahead log has been checkpointed once and its pages are used again, and code is compiled. */
const WARM_UP = 1_200;
const MEASURED = 1_000;

/**
 * What a commit costs at least, whoever asks for it: one small row in a transaction, in WAL mode with `synchronous=FULL`,
 * by the SQLite of this Node. Holds up the process.
 *
 * @param directory on the disk that is measured; a file of its own is left there
 * @returns microseconds, the median
 */
export function bareCommit(
  directory: string,
  { warmUp = WARM_UP, measured = MEASURED } = {},
): number {
  const database = new DatabaseSync(join(directory, "bare-commit.db"));
  try {
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const begin = database.prepare("BEGIN");
    const insert = database.prepare("INSERT INTO rows (text) VALUES (?)");
    const commit = database.prepare("COMMIT");
    const times: number[] = [];
    for (let i = 0; i < warmUp + measured; i++) {
      const started = performance.now();
      begin.run();
      insert.run("a small row");
      commit.run();
      if (i >= warmUp) times.push((performance.now() - started) * 1000);
    }
    return percentile(times, 0.5);
  } finally {
    database.close();
  }
}
