import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import * as sqlite from "node:sqlite";
import { LocalError } from "@arcp/core";
import { NO_FILE, type SyncedFile } from "./wal-file.ts";

/** A row as read. Decoding it is up to the code that wrote it. */
export type Row = Record<string, SQLOutputValue>;

/** The values of a row, in the order of its columns. */
export type Values = readonly SQLOutputValue[];

/** The part of `StatementSync` used here. */
export interface Statement {
  run(...values: readonly SQLInputValue[]): unknown;
  get(...values: readonly SQLInputValue[]): Row | undefined;
  all(...values: readonly SQLInputValue[]): Row[];
  iterate(...values: readonly SQLInputValue[]): Iterable<Row>;
  /** Makes the statement return rows as arrays. Missing in Node 22. */
  setReturnArrays?(enabled: boolean): void;
  /** Makes the statement return whole numbers as `bigint`, of any size. */
  setReadBigInts?(enabled: boolean): void;
}

/** The part of `DatabaseSync` used here. */
export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

/** How often to begin a copy, each time within a millisecond, while transactions are in its way. */
const ATTEMPTS = 10_000;

const readBigInts = (statement: Statement): void => statement.setReadBigInts?.(true);
const returnArrays = (statement: Statement): void => statement.setReturnArrays?.(true);

/** The only connection to the file. Prepares every statement once. */
export class Connection {
  readonly #database: Database;
  readonly #prepared = new Map<string, Statement>();
  /** Statements that return no rows. */
  readonly #writing = new Map<string, Statement>();
  /** Statements that return rows without column names. */
  readonly #arrayStatements = new Map<string, Statement>();
  readonly #wal: SyncedFile;
  #open = true;

  /** @param wal the write-ahead log, owned by this connection from now on; none for a database in memory */
  constructor(database: Database, wal: SyncedFile = NO_FILE) {
    this.#database = database;
    this.#wal = wal;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  run(sql: string, ...values: readonly SQLInputValue[]): void {
    this.#writer(sql).run(...values);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    try {
      return this.#statement(sql).get(...values);
    } catch (error) {
      return this.#withBigInts(sql, error).get(...values);
    }
  }

  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    try {
      return this.#statement(sql).all(...values);
    } catch (error) {
      return this.#withBigInts(sql, error).all(...values);
    }
  }

  /** The first row without column names, which take several times as long as finding the row. */
  first(sql: string, ...values: readonly SQLInputValue[]): Values | undefined {
    const row = this.#firstOf(sql, values);
    return row && valuesOf(row);
  }

  /**
   * Yields rows without column names, one by one; a caller that stops early has read no further. The same statement must not be
   * used meanwhile.
   */
  *each(sql: string, ...values: readonly SQLInputValue[]): Iterable<Values> {
    for (const row of this.#arrayStatement(sql).iterate(...values)) yield valuesOf(row);
  }

  /** Rolls back. After some errors, such as a full disk, SQLite has already done so itself. */
  rollBack(): void {
    try {
      this.run("ROLLBACK");
    } catch {
      // The error that led here matters more. If a transaction is still open, the next BEGIN fails.
    }
  }

  /** Runs statements that are not worth caching, or several at once. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  /** The value of a pragma, or of the only column of the only row. */
  value(sql: string): SQLOutputValue | undefined {
    return this.first(sql)?.[0];
  }

  /** The absolute path of the file; undefined for a database in memory. */
  get path(): string | undefined {
    const file = this.get("PRAGMA database_list")?.["file"];
    return typeof file === "string" && file !== "" ? file : undefined;
  }

  /**
   * Copies the database with SQLite's backup, so many pages per step.
   *
   * @param onStep called between two steps; stops the copy by throwing
   * @throws LocalError `MISUSE` if Node cannot do it, and whatever SQLite throws
   */
  async copyTo(path: string, pages: number, onStep: () => void): Promise<void> {
    // Not a named import, which would keep this file from loading on a Node without it.
    if (!(this.#database instanceof sqlite.DatabaseSync) || !("backup" in sqlite)) {
      throw new LocalError("MISUSE", "a backup needs Node 22.16 or later, or 23.8 or later");
    }
    for (let attempt = 1; ; attempt++) {
      try {
        await sqlite.backup(this.#database, path, { rate: pages, progress: onStep });
        return;
      } catch (error) {
        if (!wasBusy(error) || attempt === ATTEMPTS) throw error;
        onStep();
      }
    }
  }

  /**
   * Resolves once everything committed before the call is on the disk. A commit by itself only hands it to the operating system.
   */
  sync(): Promise<void> {
    return this.#wal.sync();
  }

  /** Must not be called during a sync. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#prepared.clear();
    this.#writing.clear();
    this.#arrayStatements.clear();
    try {
      this.#wal.close();
    } finally {
      // In any case: nobody else can open the file before.
      this.#database.close();
    }
  }

  #firstOf(sql: string, values: readonly SQLInputValue[]): Row | undefined {
    try {
      return this.#arrayStatement(sql).get(...values);
    } catch (error) {
      return this.#withBigInts(sql, error).get(...values);
    }
  }

  /**
   * The statement to repeat a query with that failed on a number too large for JavaScript, so that decoding can tell which one it
   * was. @throws the error, if it is another one
   */
  #withBigInts(sql: string, error: unknown): Statement {
    if (!isTooLarge(error)) throw error;
    const statement = this.#database.prepare(sql);
    readBigInts(statement);
    return statement;
  }

  /** @throws LocalError `CLOSED` */
  #statement(sql: string): Statement {
    return this.#prepare(sql, this.#prepared);
  }

  /** @throws LocalError `CLOSED` */
  #writer(sql: string): Statement {
    // `run` returns the last rowid, and from Node 26 on it throws if that is no safe integer.
    return this.#prepare(sql, this.#writing, readBigInts);
  }

  /** @throws LocalError `CLOSED` */
  #arrayStatement(sql: string): Statement {
    return this.#prepare(sql, this.#arrayStatements, returnArrays);
  }

  #prepare(
    sql: string,
    statements: Map<string, Statement>,
    setUp?: (statement: Statement) => void,
  ): Statement {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (!this.#open) throw new LocalError("CLOSED", "the store is closed");
    const prepared = this.#database.prepare(sql);
    setUp?.(prepared);
    statements.set(sql, prepared);
    return prepared;
  }
}

/** Rows are still objects on a Node that cannot return arrays. */
function valuesOf(row: Row): Values {
  return Array.isArray(row) ? row : Object.values(row);
}

/**
 * Whether Node gave up a copy before it began. If the first step meets a transaction of the same connection, which later steps
 * would wait for, it fails with error code 0, which means "no error".
 */
function wasBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 0;
}

/** Whether a row contains a number too large for JavaScript, which this store never writes. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}
