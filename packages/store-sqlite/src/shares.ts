import type { Connection, Row } from "./connection.ts";

/** The largest logs of a principal that have something to lose, out of the index of just those. */
export const LARGEST = `SELECT * FROM logs WHERE principal = ? AND head - floor > 1
  ORDER BY size DESC, job LIMIT 2`;

/** The log that is next to lose records. */
export interface Victim {
  /** Its row of `logs`. */
  readonly row: Row;
  /** Whether it would be chosen again with this size. */
  isStill(size: number): boolean;
}

/**
 * How much of the logs every principal holds, in characters. Kept in memory, because every append asks for it; the logs
 * of a principal are in the order of their sizes in an index of the file.
 */
export class Shares {
  readonly #connection: Connection;
  readonly #sizes = new Map<string, number>();
  #total = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.reload();
  }

  /** Of all principals together. */
  get total(): number {
    return this.#total;
  }

  add(principal: string, characters: number): void {
    const size = (this.#sizes.get(principal) ?? 0) + characters;
    this.#total += characters;
    if (size > 0) this.#sizes.set(principal, size);
    else this.#sizes.delete(principal);
  }

  /** Counts anew what the file holds. */
  reload(): void {
    const rows = this.#connection.all(
      "SELECT principal, sum(size) AS size FROM logs WHERE principal IS NOT NULL GROUP BY principal",
    );
    this.#sizes.clear();
    this.#total = 0;
    for (const { principal, size } of rows) this.add(String(principal), Number(size));
  }

  /** The largest log, with something to lose, of the principal that holds most and has one; of equals the lower name. */
  victim(): Victim | undefined {
    const passed = new Set<string>();
    for (;;) {
      const principal = this.#largest(passed);
      if (principal === undefined) return undefined;
      const [row, next] = this.#connection.all(LARGEST, principal);
      passed.add(principal);
      if (row === undefined) continue;
      const rival = this.#largest(passed);
      const ownRival = next && Number(next["size"]);
      const rivalSize = rival === undefined ? -1 : (this.#sizes.get(rival) ?? 0);
      return {
        row,
        // A tie is decided anew.
        isStill: (size) => size > (ownRival ?? -1) && (this.#sizes.get(principal) ?? 0) > rivalSize,
      };
    }
  }

  #largest(except: ReadonlySet<string>): string | undefined {
    let largest: string | undefined;
    let most = 0;
    for (const [principal, size] of this.#sizes) {
      if (size < most || except.has(principal)) continue;
      if (size === most && largest !== undefined && largest < principal) continue;
      [largest, most] = [principal, size];
    }
    return largest;
  }
}
