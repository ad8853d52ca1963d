import { checkOptions, LocalError, type OptionRules, rule } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { Backups } from "./backup.ts";
import type { Connection } from "./connection.ts";
import { CredentialTable } from "./credential-table.ts";
import { openDatabase, unopened } from "./database-file.ts";
import { GroupCommit } from "./group-commit.ts";
import { IdempotencyTable } from "./idempotency-table.ts";
import { JobTable } from "./job-table.ts";
import { type LogLimits, readLogLimits } from "./log-limits.ts";
import { Reclaimer } from "./reclaimer.ts";
import { RecordLog } from "./record-log.ts";
import { RecordTable } from "./record-table.ts";
import { SessionTable } from "./session-table.ts";

/** A store in a file that can be copied while a runtime uses it. */
export interface SqliteStore extends Store {
  /**
   * Writes a copy to another file, readable by its owner alone, without interrupting anything. The copy holds at least what was
   * acknowledged before the call, and is a complete store, which `sqliteStore` opens. An existing file is replaced once the copy is
   * complete. Copies are made one after the other.
   *
   * @throws LocalError `MISUSE` for the store's own file and with a Node before 22.16, `CLOSED` if the store is closed meanwhile or
   *   its disk has failed, and whatever the file system or SQLite throws; then no copy is left
   */
  backup(path: string): Promise<void>;
}

/** The limits of a store in a file. */
export interface SqliteStoreOptions {
  /** Limits of one job's log; beyond them its oldest records are evicted. */
  readonly logLimits?:
    | { readonly [Limit in keyof LogLimits]?: LogLimits[Limit] | undefined }
    | undefined;
  /**
   * Characters of text kept in all logs together, including chunks of results. Beyond it, the largest log of the principal that
   * holds most loses its oldest records. The newest record of a log stays, and a principal that holds no more than an equal share
   * loses nothing (R-14-2), so the limit may be exceeded by one record per kept job. Default 20 Gi.
   */
  readonly totalLogCharacters?: number | undefined;
}

const DEFAULT_TOTAL = 20 * 1024 * 1024 * 1024;

const RULES: OptionRules<SqliteStoreOptions> = {
  logLimits: rule.table,
  totalLogCharacters: rule.limit,
};

/**
 * A store in one file, for one runtime at a time. What it acknowledged survives the end of the process and a power loss; any other
 * change is either there completely or not at all.
 *
 * @param path of the file, which is created if it does not exist; `:memory:` for a store that ends with the process
 * @throws LocalError `MISUSE` if another runtime has the file open, a newer version wrote it, it cannot be opened or is not a
 *   store; without a path; for a limit that is not a positive number, and for an unknown one
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  // SQLite takes an empty path as a temporary file, deleted on close.
  if (!rule.text.fits(path)) {
    throw new LocalError("MISUSE", 'sqliteStore takes the path of a file, such as "arcp.db"');
  }
  checkOptions("sqliteStore", options, RULES);
  readLogLimits(options.logLimits);
  const connection = openDatabase(path);
  try {
    return storeOn(connection, options);
  } catch (error) {
    // The file is damaged. Close it, so that the next attempt gets the same error and not that the file is in use.
    connection.close();
    throw unopened(path, error);
  }
}

/**
 * Builds the store on a prepared connection, which it owns from now on.
 *
 * @param unindexed the most recent jobs that may wait to be indexed; for tests
 */
export function storeOn(
  connection: Connection,
  options: SqliteStoreOptions = {},
  unindexed?: number,
): SqliteStore {
  const group = new GroupCommit(connection);
  const jobs = new JobTable(connection, group, unindexed);
  const backups = new Backups(connection, group);
  const records = new RecordTable(connection);
  const reclaimer = new Reclaimer(connection, group, records);
  // An earlier process may have left something to free.
  reclaimer.start();
  return {
    logs: new RecordLog(connection, group, jobs, records, reclaimer, {
      ...readLogLimits(options.logLimits),
      total: options.totalLogCharacters ?? DEFAULT_TOTAL,
    }),
    jobs,
    sessions: new SessionTable(connection, group),
    idempotency: new IdempotencyTable(connection, group),
    credentials: new CredentialTable(connection, group),
    durable: connection.path !== undefined,
    failed: group.failed,
    backup: (path) => backups.write(path),
    async close() {
      await backups.close();
      try {
        await group.close();
      } finally {
        connection.close();
      }
    },
  };
}
