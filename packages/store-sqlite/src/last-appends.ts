import type { JobId } from "@arcp/core";
import type { LogRecord } from "@arcp/runtime/store";
import type { LogState } from "./log-table.ts";

/** The last records of a log, and the content of its row. */
export interface LastAppend {
  readonly log: LogState;
  /** Empty if they need not be cached. */
  readonly records: readonly LogRecord[];
  /** The length of these records. */
  readonly characters: number;
}

/** The most records of an append that are cached. */
export const KEPT_RECORDS = 16;

/** The least that is cached; at most, it is twice that plus one append. */
const KEPT = { logs: 256, characters: 256 * 1024 };

/**
 * Caches the last append to recently written logs. A job's followers read just that as soon as it is durable, and its next append
 * needs the row: without the cache, both would ask SQLite for what was in memory a moment ago.
 *
 * Everything here is in the file as well. The cache has two halves; the older one is dropped when the newer one is full.
 */
export class LastAppends {
  #newer = new Map<JobId, LastAppend>();
  #older = new Map<JobId, LastAppend>();
  /** Characters added to the newer half. */
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
