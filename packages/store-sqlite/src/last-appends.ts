import type { JobId } from "@arcp/core";
import type { LogRecord } from "@arcp/runtime/store";
import type { LogState } from "./log-table.ts";

/** The last records of a log, together with all that its row says. */
export interface LastAppend {
  readonly log: LogState;
  /** None when they need not be kept. */
  readonly records: readonly LogRecord[];
  /** Of those records. */
  readonly characters: number;
}

/** The most records of an append that are kept. */
export const KEPT_RECORDS = 16;

/** What is kept at least; and at most twice that, and what one append brings. */
const KEPT = { logs: 256, characters: 256 * 1024 };

/**
 * What was appended last to the logs that were written to lately. Who follows a job reads just that, as soon as it is durable, and
 * the job's next append begins with what the row says: both would ask SQLite for what was in memory a moment ago.
 *
 * What is here is in the file as well. It is in two halves, of which the older one goes when the newer one is full.
 */
export class LastAppends {
  #newer = new Map<JobId, LastAppend>();
  #older = new Map<JobId, LastAppend>();
  /** Of all that came to the newer half. */
  #characters = 0;

  get(job: JobId): LastAppend | undefined {
    return this.#newer.get(job) ?? this.#older.get(job);
  }

  set(append: LastAppend): void {
    if (this.#newer.size >= KEPT.logs || this.#characters >= KEPT.characters) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#characters = 0;
    }
    this.#newer.set(append.log.job, append);
    this.#characters += append.characters;
  }

  delete(job: JobId): void {
    this.#newer.delete(job);
    this.#older.delete(job);
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
