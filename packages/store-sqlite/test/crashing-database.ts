import { copyFileSync, existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Database, Statement } from "../src/connection.ts";

/** What a crashed database throws: its process would no longer be there. */
export class Crash extends Error {}

/** What a statement throws that failed by itself, say on a disk that was briefly full: the database goes on. */
export class Fault extends Error {}

/**
 * A database whose process can be made to end between two statements: its file is copied as it is at that moment, and
 * from then on every statement fails.
 */
export class CrashingDatabase implements Database {
  readonly #database: DatabaseSync;
  readonly #place: string;
  readonly #image: string;
  readonly #often: number;
  /** Statements of this kind still to come; `after` says whether the last of them still takes place. */
  #fuse: { statements: number; of: RegExp; after: boolean } | undefined;
  #crashed = false;
  /** Statements until one fails. */
  #faultIn: number | undefined;
  /** Every statement that took place. */
  readonly counted: string[] = [];

  /** @param image the file that a crash leaves behind @param often factor by which it makes more checkpoints than it is told to */
  constructor(place: string, image: string, often = 1) {
    this.#place = place;
    this.#image = image;
    this.#often = often;
    this.#database = new DatabaseSync(place);
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Crashes at the statement of a kind that comes `statements` later: before it, or right `after` it. */
  light(statements: number, after: boolean, of = /^/): void {
    this.#fuse ??= { statements, after, of };
  }

  /** Fails once, at the statement that comes `statements` later. */
  failIn(statements: number): void {
    this.#faultIn ??= statements;
  }

  /** No more failures. */
  mend(): void {
    this.#faultIn = undefined;
  }

  /** Ends the database now; what is left of its file is up to the caller. */
  stop(): void {
    this.#crashed = true;
  }

  /** Neither crashes nor fails for as long as `act` runs. */
  async safely<T>(act: () => Promise<T>): Promise<T> {
    const [fuse, faultIn] = [this.#fuse, this.#faultIn];
    this.#fuse = this.#faultIn = undefined;
    try {
      return await act();
    } finally {
      this.#fuse = fuse;
      this.#faultIn = faultIn;
    }
  }

  prepare(sql: string): Statement {
    const statement = this.#database.prepare(sql);
    const run = <T>(perform: () => T): T => this.#run(sql, perform);
    return {
      run: (...values) => run(() => statement.run(...values)),
      get: (...values) => run(() => statement.get(...values)),
      all: (...values) => run(() => statement.all(...values)),
      iterate: (...values) => run(() => statement.iterate(...values)),
    };
  }

  exec(sql: string): void {
    const often = sql.replace(/(?<=^PRAGMA wal_autocheckpoint = )\d+$/, (pages) =>
      String(Math.ceil(Number(pages) / this.#often)),
    );
    this.#run(sql, () => this.#database.exec(often));
  }

  close(): void {
    this.#database.close();
  }

  #run<T>(sql: string, perform: () => T): T {
    if (this.#crashed) throw new Crash();
    this.#fail();
    if (this.#fuse?.of.test(sql)) this.#fuse.statements -= 1;
    const now = (this.#fuse?.statements ?? 0) < 0;
    if (now && this.#fuse?.after === false) this.#crash();
    this.counted.push(sql);
    const result = perform();
    if (now) this.#crash();
    return result;
  }

  #fail(): void {
    if (this.#faultIn === undefined) return;
    this.#faultIn -= 1;
    if (this.#faultIn >= 0) return;
    this.#faultIn = undefined;
    throw new Fault();
  }

  #crash(): never {
    this.#crashed = true;
    for (const part of ["", "-wal", "-journal"]) {
      if (existsSync(this.#place + part)) copyFileSync(this.#place + part, this.#image + part);
    }
    throw new Crash();
  }
}
