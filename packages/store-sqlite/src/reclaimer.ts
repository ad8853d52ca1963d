import { Allowance } from "./allowance.ts";
import type { Connection } from "./connection.ts";
import { isCorrupt } from "./damage.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordTable } from "./record-table.ts";

/**
 * The most that one step may free: little enough to hardly delay the other statements of its transaction, and as much as jobs may
 * write in a turn, so that freeing keeps up (J4).
 */
const STEP = { records: 1024, bytes: 1024 * 1024, pages: 64 };

/** Free pages are kept for new records. Above this share of the file, and this number, they are given back. */
const KEPT = { share: 0.1, pages: 256 };

/** What one step frees of a log. */
interface Part {
  readonly log: number;
  /** Frees records up to this one; undefined if there are none, or none that can be read. */
  readonly upTo: number | undefined;
  /** Whether nothing of the log is left after that. */
  readonly isLast: boolean;
}

/**
 * Frees what removed logs leave behind, in small steps between the other transactions, and continues after a restart. For readers a
 * log is gone at once; its pages are reused or, if there are many, the file shrinks.
 */
export class Reclaimer {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  readonly #records: RecordTable;
  #running = false;
  /** Whether something may have been removed since the last check. */
  #isAsked = false;
  /** A removed log that SQLite cannot free completely. What is left of it is never freed; other logs are. */
  #torn: number | undefined;

  constructor(connection: Connection, group: GroupCommit, records: RecordTable) {
    this.#connection = connection;
    this.#group = group;
    this.#records = records;
  }

  /** Schedules the records of a removed log to be freed. Call within a transaction. */
  add(log: number): void {
    this.#connection.run("INSERT INTO removed (log) VALUES (?)", log);
  }

  /** Starts freeing, if there is anything to free. */
  start(): void {
    this.#isAsked = true;
    if (!this.#running) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running = true;
    try {
      while ((await this.#stepped()) || this.#isAsked) {
        // Each step becomes part of the next transaction.
      }
    } catch {
      // The store is closed or has failed. The next removal, or the next process, frees the rest.
    } finally {
      this.#running = false;
    }
  }

  /** @returns whether there was something to free */
  async #stepped(): Promise<boolean> {
    this.#isAsked = false;
    // Planned outside the transaction, which other statements share and which fails when it meets damage.
    const parts = this.#plan();
    if (parts.length === 0) return this.#freedPages();
    try {
      await this.#group.write(() => this.#step(parts));
    } catch (error) {
      const torn = this.#torn;
      this.#torn = undefined;
      if (torn === undefined) throw error;
      await this.#group.write(() => this.#forget(torn));
    }
    return true;
  }

  /** Plans a step over several logs, because many are short. */
  #plan(): readonly Part[] {
    const allowance = new Allowance(STEP.records, STEP.bytes);
    const parts: Part[] = [];
    for (const [log] of this.#connection.each("SELECT log FROM removed")) {
      if (!allowance.isLeft) break;
      allowance.spend(0);
      parts.push(this.#part(Number(log), allowance));
    }
    return parts;
  }

  #part(log: number, allowance: Allowance): Part {
    let upTo: number | undefined;
    try {
      for (const { seq, bytes } of this.#records.sizes(log, STEP.records)) {
        upTo = seq;
        allowance.spend(bytes);
        if (!allowance.isLeft) break;
      }
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return { log, upTo: undefined, isLast: true };
    }
    // The next step frees the rest.
    return { log, upTo, isLast: allowance.isLeft };
  }

  #step(parts: readonly Part[]): void {
    for (const { log, upTo, isLast } of parts) {
      if (upTo !== undefined) this.#remove(log, upTo);
      if (isLast) this.#forget(log);
    }
  }

  #remove(log: number, upTo: number): void {
    try {
      this.#records.removeUpTo(log, upTo);
    } catch (error) {
      if (isCorrupt(error)) this.#torn = log;
      throw error;
    }
  }

  #forget(log: number): void {
    this.#connection.run("DELETE FROM removed WHERE log = ?", log);
  }

  /** @returns whether there were pages to give back */
  async #freedPages(): Promise<boolean> {
    const free = Number(this.#connection.value("PRAGMA freelist_count"));
    const all = Number(this.#connection.value("PRAGMA page_count"));
    if (free <= KEPT.pages || free <= all * KEPT.share) return false;
    await this.#group.write(() =>
      this.#connection.execute(`PRAGMA incremental_vacuum(${STEP.pages})`),
    );
    return true;
  }
}
