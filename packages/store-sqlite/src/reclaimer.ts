import { Allowance } from "./allowance.ts";
import type { Connection } from "./connection.ts";
import { isCorrupt } from "./damage.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { RecordTable } from "./record-table.ts";

/**
 * What one step may free: little enough that whoever shares its transaction hardly waits, and as much as jobs may write
 * in a turn, so that freeing keeps up with them (J4).
 */
const STEP = { records: 1024, bytes: 1024 * 1024, pages: 64 };

/** Free pages are kept for new records; beyond this share of the file, and this many, they are given back. */
const KEPT = { share: 0.1, pages: 256 };

/**
 * Frees what removed logs leave behind, in small steps between the other transactions, and goes on with it after a
 * restart. A log is gone at once for its readers; its pages are used again or, when they are many, the file shrinks.
 */
export class Reclaimer {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  readonly #records: RecordTable;
  #running = false;
  /** Whether there may be something for which the last step came too early: in one transaction it may stand in front of a removal. */
  #isAsked = false;
  /** A removed log of which SQLite cannot read some part of the file: what is left of it is never free again, that of others is. */
  #torn: number | undefined;

  constructor(connection: Connection, group: GroupCommit, records: RecordTable) {
    this.#connection = connection;
    this.#group = group;
    this.#records = records;
  }

  /** There may be something to free. */
  start(): void {
    this.#isAsked = true;
    if (!this.#running) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running = true;
    try {
      while ((await this.#stepped()) || this.#isAsked) {
        // Each step is a part of the next transaction.
      }
    } catch {
      // The store is closed or failed; what is left is freed after the next removal or at the next opening.
    } finally {
      this.#running = false;
    }
  }

  /** @returns whether there was something to free */
  async #stepped(): Promise<boolean> {
    try {
      return await this.#group.write(() => this.#step());
    } catch (error) {
      const torn = this.#torn;
      this.#torn = undefined;
      if (torn === undefined) throw error;
      await this.#group.write(() => this.#forget(torn));
      return true;
    }
  }

  /** @returns whether there was something to free */
  #step(): boolean {
    this.#isAsked = false;
    return this.#freeRecords() || this.#freePages();
  }

  /** Of as many logs as it takes: many are short. */
  #freeRecords(): boolean {
    const allowance = new Allowance(STEP.records, STEP.bytes);
    let isAny = false;
    while (allowance.isLeft) {
      const removed = this.#connection.get("SELECT log FROM removed LIMIT 1");
      if (removed === undefined) break;
      isAny = true;
      allowance.spend(0);
      const log = Number(removed["log"]);
      try {
        this.#freeSome(log, allowance);
      } catch (error) {
        if (isCorrupt(error)) this.#torn = log;
        throw error;
      }
    }
    return isAny;
  }

  #freeSome(log: number, allowance: Allowance): void {
    let last: number | undefined;
    for (const { seq, bytes } of this.#records.sizes(log, STEP.records)) {
      last = seq;
      allowance.spend(bytes);
      if (!allowance.isLeft) break;
    }
    if (last !== undefined) this.#records.removeUpTo(log, last);
    // What is left of it is another step's.
    if (allowance.isLeft) this.#forget(log);
  }

  #forget(log: number): void {
    this.#connection.run("DELETE FROM removed WHERE log = ?", log);
  }

  #freePages(): boolean {
    const free = Number(this.#connection.value("PRAGMA freelist_count"));
    const all = Number(this.#connection.value("PRAGMA page_count"));
    if (free <= KEPT.pages || free <= all * KEPT.share) return false;
    this.#connection.execute(`PRAGMA incremental_vacuum(${STEP.pages})`);
    return true;
  }
}
