import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LocalError } from "@arcp/core";
import { Connection, type Database } from "./connection.ts";
import { createPrivately } from "./private-file.ts";
import { checkSchema, migrate } from "./schema.ts";
import { type SyncedFile, WalFile } from "./wal-file.ts";

/** A database that ends with the process. */
const IN_MEMORY = ":memory:";

/** The most bytes of write-ahead log that stay on the disk once its content is in the file. */
const WAL_SIZE_LIMIT = 16 * 1024 * 1024;

/**
 * The settings, as SQLite reports them, that keep the file consistent through a power loss. That no commit is lost either is up to
 * syncing the write-ahead log after it.
 */
const CONSISTENT = { journal_mode: "wal", synchronous: 1 };

/** The primary result codes of SQLite that are handled here. */
const BUSY = 5;
const READ_ONLY = 8;
const NOT_A_DATABASE = 26;

/** What the system's error codes mean here, and what to do about them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "neither the file nor its directory exists: create the directory first",
  ENOTDIR: "its parent directory is a file",
  EISDIR: "it is a directory: name a file inside it",
  EACCES:
    "EACCES: permission denied: the user who runs this must be able to read and write the file and its directory",
};

/**
 * Opens the file and locks it, so that nobody else can open it until the connection is closed or the process ends, in whatever way:
 * the lock is the operating system's.
 *
 * @throws LocalError `MISUSE` if another runtime has it open, if it cannot be opened, or is not a store
 */
export function openDatabase(
  path: string,
  connect: (place: string) => Database = connectTo,
  openWal: (place: string) => SyncedFile = (wal) => new WalFile(wal),
): Connection {
  const place = path === IN_MEMORY ? path : resolve(path);
  let first: Connection | undefined;
  try {
    if (place !== IN_MEMORY) createPrivately(place);
    const database = connect(place);
    first = new Connection(database);
    prepare(first);
    if (place === IN_MEMORY) return first;
    checkConsistency(first);
    // Only now does the write-ahead log exist, and SQLite knows its path.
    return new Connection(database, openWal(`${first.path}-wal`));
  } catch (error) {
    first?.close();
    throw unopened(path, error);
  }
}

/** The error for a store that cannot be opened, with the reason. */
export function unopened(path: string, cause: unknown): LocalError {
  return new LocalError("MISUSE", `cannot open the store ${path}: ${reasonOf(cause)}`, { cause });
}

function connectTo(place: string): DatabaseSync {
  return new DatabaseSync(place);
}

function prepare(connection: Connection): void {
  // Held as long as the connection is open. The write-ahead log then needs no shared memory either.
  connection.execute("PRAGMA locking_mode = EXCLUSIVE");
  // Only takes effect while the file is empty, and is then written with the first table.
  if (connection.value("PRAGMA page_count") === 0)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL");
  // Do not write anything before it is certain that the file is ours.
  connection.execute("BEGIN EXCLUSIVE");
  checkSchema(connection);
  connection.execute("COMMIT");
  connection.execute("PRAGMA journal_mode = WAL");
  connection.execute("PRAGMA synchronous = NORMAL");
  // On macOS a plain sync leaves data in the disk's cache. Node's own sync, used for the log, does not.
  connection.execute("PRAGMA checkpoint_fullfsync = ON");
  connection.execute(`PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT}`);
  // No checkpoint before the whole log is on the disk: it could move pages into the file that a power loss then removes from the
  // log.
  connection.execute("PRAGMA wal_autocheckpoint = 0");
  migrate(connection);
}

/** SQLite does not report settings that it ignores, so read them back. */
function checkConsistency(connection: Connection): void {
  for (const [pragma, wanted] of Object.entries(CONSISTENT)) {
    const value = connection.value(`PRAGMA ${pragma}`);
    if (value === wanted) continue;
    throw new Error(`it cannot be kept consistent: ${pragma} is ${value}, not ${wanted}`);
  }
}

const NO_ROOM_BESIDE =
  "SQLite cannot create files next to it: the user who runs this must be able to write to its directory";

function reasonOf(error: unknown): string {
  const system =
    error instanceof Error && "code" in error ? REASONS[String(error.code)] : undefined;
  if (system !== undefined) return system;
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  // The file itself is writable: that was checked before.
  if (code === READ_ONLY) return NO_ROOM_BESIDE;
  if (code === BUSY) return "it is in use; one runtime at a time can have it open";
  if (code === NOT_A_DATABASE) return "it is not a database";
  return error instanceof Error ? error.message : String(error);
}
