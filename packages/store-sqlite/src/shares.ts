import type { LogState, LogTable } from "./log-table.ts";

/** The log that loses records next. */
export interface Victim {
  readonly log: LogState;
  /** Whether it would be chosen again if it had this size. */
  isStill(size: number): boolean;
}

/**
 * How much each principal's logs hold, in characters. Kept in memory, because every append needs it; an index in the file sorts the
 * logs of a principal by size.
 */
export class Shares {
  readonly #logs: LogTable;
  readonly #limit: number;
  readonly #sizes = new Map<string, number>();
  #total = 0;
  #counted = false;

  /** @param limit the most characters of all logs together */
  constructor(logs: LogTable, limit: number) {
    this.#logs = logs;
    this.#limit = limit;
    this.#count();
  }

  /** Characters of all principals together. */
  get total(): number {
    this.#count();
    return this.#total;
  }

  add(principal: string, characters: number): void {
    this.#count();
    this.#add(principal, characters);
  }

  /** Drops the counts after a rollback: only the file is certain. */
  forget(): void {
    this.#counted = false;
  }

  #add(principal: string, characters: number): void {
    const size = (this.#sizes.get(principal) ?? 0) + characters;
    this.#total += characters;
    if (size > 0) this.#sizes.set(principal, size);
    else this.#sizes.delete(principal);
  }

  /** Counts what the file holds. Within a transaction, must run before its first change. */
  #count(): void {
    if (this.#counted) return;
    const sizes = this.#logs.sizes();
    this.#sizes.clear();
    this.#total = 0;
    for (const [principal, size] of sizes) this.#add(principal, size);
    this.#counted = true;
  }

  /**
   * The largest log that can be evicted from, of the principal that holds most and has one; among equals, the lower name. Nobody at
   * or below an equal share of the limit loses anything, whatever others hold and cannot lose (R-14-2).
   */
  victim(): Victim | undefined {
    const share = this.#limit / this.#sizes.size;
    const above = [...this.#sizes]
      .filter(([, size]) => size > share)
      .sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1));
    for (const [index, [principal]] of above.entries()) {
      const [log, next] = this.#logs.largest(principal);
      if (log === undefined) continue;
      const [, rivalSize = share] = above[index + 1] ?? [];
      return {
        log,
        // With a tie, choose again.
        isStill: (size) =>
          size > (next?.size ?? -1) && (this.#sizes.get(principal) ?? 0) > rivalSize,
      };
    }
    return undefined;
  }
}
