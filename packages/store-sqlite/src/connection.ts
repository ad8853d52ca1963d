import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import * as sqlite from "node:sqlite";
import { LocalError } from "@arcp/core";
import { NO_FILE, type SyncedFile } from "./wal-file.ts";

/** A row as it was read: decoding it into what was written is up to who wrote it. */
export type Row = Record<string, SQLOutputValue>;

/** The values of a row, in the order of its columns. */
export type Values = readonly SQLOutputValue[];

/** What is used of a `StatementSync`. */
export interface Statement {
  run(...values: readonly SQLInputValue[]): unknown;
  get(...values: readonly SQLInputValue[]): Row | undefined;
  all(...values: readonly SQLInputValue[]): Row[];
  iterate(...values: readonly SQLInputValue[]): Iterable<Row>;
  /** Makes its rows arrays. Node 22 does not have it. */
  setReturnArrays?(enabled: boolean): void;
  /** Makes its whole numbers `bigint`, of any size. */
  setReadBigInts?(enabled: boolean): void;
}

/** What is used of a `DatabaseSync`. */
export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

/** How often a copy is begun, each time in less than a millisecond, for as long as transactions are in its way. */
const ATTEMPTS = 10_000;

/** The one connection to the file, with every statement prepared once. */
export class Connection {
  readonly #database: Database;
  readonly #prepared = new Map<string, Statement>();
  /** Those that give no rows. */
  readonly #writing = new Map<string, Statement>();
  /** Those whose rows have no names. */
  readonly #unnaming = new Map<string, Statement>();
  readonly #wal: SyncedFile;
  #open = true;

  /** @param wal into which it writes what it commits, and for which it answers from now on; none for a database in memory */
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
      return this.#largely(sql, error).get(...values);
    }
  }

  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    try {
      return this.#statement(sql).all(...values);
    } catch (error) {
      return this.#largely(sql, error).all(...values);
    }
  }

  /** The first row without the names of its columns, which take several times as long as SQLite does to find it. */
  first(sql: string, ...values: readonly SQLInputValue[]): Values | undefined {
    const row = this.#firstOf(sql, values);
    return row && valuesOf(row);
  }

  /** Row by row, without names; whoever stops early has read no further. The same statement must not be used meanwhile. */
  *each(sql: string, ...values: readonly SQLInputValue[]): Iterable<Values> {
    for (const row of this.#unnamed(sql).iterate(...values)) yield valuesOf(row);
  }

  /** After some errors, such as a full disk, SQLite has rolled back by itself. */
  rollBack(): void {
    try {
      this.run("ROLLBACK");
    } catch {
      // The error that matters is the one that led here; if a transaction should still be open, the next BEGIN says so.
    }
  }

  /** Statements that are not worth keeping, or that are several. */
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
   * Copies the database by SQLite's backup, so many pages at a time.
   *
   * @param onStep is called between two steps, and stops the copying when it throws
   * @throws LocalError `MISUSE` where Node cannot do it, and whatever SQLite throws
   */
  async copyTo(path: string, pages: number, onStep: () => void): Promise<void> {
    // Not imported by name: a Node without it could not load this file then.
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

  /** Resolves once everything that was committed before the call is on the disk; a commit alone has handed it to the system. */
  sync(): Promise<void> {
    return this.#wal.sync();
  }

  /** Not while a sync is under way. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#prepared.clear();
    this.#writing.clear();
    this.#unnaming.clear();
    try {
      this.#wal.close();
    } finally {
      // Whatever became of that, nobody else could open the file before.
      this.#database.close();
    }
  }

  #firstOf(sql: string, values: readonly SQLInputValue[]): Row | undefined {
    try {
      return this.#unnamed(sql).get(...values);
    } catch (error) {
      return this.#largely(sql, error).get(...values);
    }
  }

  /** The statement for rows of which some number is too large: whoever decodes them tells which. @throws the error, if it is another one */
  #largely(sql: string, error: unknown): Statement {
    if (!isTooLarge(error)) throw error;
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts?.(true);
    return statement;
  }

  /** @throws LocalError `CLOSED` */
  #statement(sql: string): Statement {
    return this.#prepared.get(sql) ?? this.#prepare(sql, this.#prepared);
  }

  /** @throws LocalError `CLOSED` */
  #writer(sql: string): Statement {
    const known = this.#writing.get(sql);
    if (known !== undefined) return known;
    const statement = this.#prepare(sql, this.#writing);
    // `run` gives the last rowid, and from Node 26 on throws where that is beyond the numbers that JavaScript tells apart.
    statement.setReadBigInts?.(true);
    return statement;
  }

  /** @throws LocalError `CLOSED` */
  #unnamed(sql: string): Statement {
    const known = this.#unnaming.get(sql);
    if (known !== undefined) return known;
    const statement = this.#prepare(sql, this.#unnaming);
    statement.setReturnArrays?.(true);
    return statement;
  }

  #prepare(sql: string, statements: Map<string, Statement>): Statement {
    if (!this.#open) throw new LocalError("CLOSED", "the store is closed");
    const prepared = this.#database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  }
}

/** Where Node cannot make arrays of rows, they are objects still. */
function valuesOf(row: Row): Values {
  return Array.isArray(row) ? row : Object.values(row);
}

/**
 * Whether Node gave a copy up before it began: where the first step meets a transaction of the connection's own, which the next
 * one waits for, it fails by the code that says that nothing did.
 */
function wasBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 0;
}

/** Whether a row has a number that no JavaScript number is: nobody has written it. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}
