import type { LogState, LogTable } from "./log-table.ts";

/** The log that is next to lose records. */
export interface Victim {
  readonly log: LogState;
  /** Whether it would be chosen again with this size. */
  isStill(size: number): boolean;
}

/**
 * How much of the logs every principal holds, in characters. Kept in memory, because every append asks for it; the logs
 * of a principal are in the order of their sizes in an index of the file.
 */
export class Shares {
  readonly #logs: LogTable;
  readonly #limit: number;
  readonly #sizes = new Map<string, number>();
  #total = 0;
  #counted = false;

  /** @param limit characters kept of all logs together */
  constructor(logs: LogTable, limit: number) {
    this.#logs = logs;
    this.#limit = limit;
    this.#count();
  }

  /** Of all principals together. */
  get total(): number {
    this.#count();
    return this.#total;
  }

  add(principal: string, characters: number): void {
    this.#count();
    this.#add(principal, characters);
  }

  /** Nothing is certain but what is in the file. */
  forget(): void {
    this.#counted = false;
  }

  #add(principal: string, characters: number): void {
    const size = (this.#sizes.get(principal) ?? 0) + characters;
    this.#total += characters;
    if (size > 0) this.#sizes.set(principal, size);
    else this.#sizes.delete(principal);
  }

  /** What the file holds; within a transaction that changes it, before the first change. */
  #count(): void {
    if (this.#counted) return;
    const sizes = this.#logs.sizes();
    this.#sizes.clear();
    this.#total = 0;
    for (const [principal, size] of sizes) this.#add(principal, size);
    this.#counted = true;
  }

  /**
   * The largest log, with something to lose, of the principal that holds most and has one; of equals the lower name. Who
   * holds no more than an equal share of the limit loses nothing, whatever others hold and cannot lose (R-14-2).
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
        // A tie is decided anew.
        isStill: (size) =>
          size > (next?.size ?? -1) && (this.#sizes.get(principal) ?? 0) > rivalSize,
      };
    }
    return undefined;
  }
}
