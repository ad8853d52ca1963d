import type { Connection } from "./connection.ts";
import { type LogState, logStateIn, SIZE, STATE } from "./log-state.ts";

/** The largest logs of a principal that have something to lose, out of the index of just those. */
export const LARGEST = `SELECT ${STATE} FROM logs WHERE principal = ? AND head - floor > 1
  ORDER BY size DESC, job LIMIT 2`;

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
  readonly #connection: Connection;
  readonly #limit: number;
  readonly #sizes = new Map<string, number>();
  #total = 0;
  #counted = false;

  /** @param limit characters kept of all logs together */
  constructor(connection: Connection, limit: number) {
    this.#connection = connection;
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
    const rows = this.#connection.all(
      `SELECT principal, total(${SIZE}) AS size FROM logs GROUP BY principal`,
    );
    this.#sizes.clear();
    this.#total = 0;
    for (const { principal, size } of rows) this.#add(String(principal), Number(size));
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
      const [log, next] = [...this.#connection.each(LARGEST, principal)].map(logStateIn);
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
