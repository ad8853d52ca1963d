import type { RecordKind } from "@arcp/runtime/store";
import type { Allowance } from "./allowance.ts";
import { isCorrupt } from "./damage.ts";
import type { LogState } from "./log-table.ts";
import { type RecordTable, recordIn, seqIn } from "./record-table.ts";
import type { Shares } from "./shares.ts";

/** Counts what logs hold and evicts from them. The caller writes the rows of the logs. */
export class Holdings {
  readonly #records: RecordTable;
  readonly #shares: Shares;
  /** The keys of logs that SQLite can no longer read in part. */
  readonly #torn = new Set<number>();

  constructor(records: RecordTable, shares: Shares) {
    this.#records = records;
    this.#shares = shares;
  }

  /** Counts a record added to a log. */
  add(log: LogState, kind: RecordKind, text: string): void {
    this.#count(log, kind, text, 1);
  }

  /**
   * Evicts the oldest records while `goesOn` says so; the newest one stays whatever its size.
   * @throws what SQLite throws if it cannot read them, once per log
   */
  evict(log: LogState, goesOn: () => boolean, allowance: Allowance): void {
    const mayGoOn = (): boolean => allowance.isLeft && isEvictable(log) && goesOn();
    while (mayGoOn()) {
      if (this.#torn.has(log.key)) return this.#giveUp(log);
      try {
        this.#evictOldest(log, mayGoOn, allowance);
        // Without a recount, missing records would be looked for for ever, while other logs lose theirs.
        if (mayGoOn()) this.#recount(log);
      } catch (error) {
        // This transaction is lost. The next one works around the damage.
        if (isCorrupt(error)) this.#torn.add(log.key);
        throw error;
      }
    }
  }

  /** Evicts the oldest records, up to the first missing one. */
  #evictOldest(log: LogState, mayGoOn: () => boolean, allowance: Allowance): void {
    for (const row of this.#records.after(log.key, log.floor, Number.MAX_SAFE_INTEGER)) {
      if (seqIn(row) !== log.floor + 1) break;
      const { kind, text } = recordIn(row);
      log.floor += 1;
      this.#count(log, kind, text, -1);
      allowance.spend(text.length);
      if (!mayGoOn()) break;
    }
    this.#records.removeUpTo(log.key, log.floor);
  }

  /** Handles missing records: the log begins after them, and its size is recounted from what is there. */
  #recount(log: LogState): void {
    let first: number | undefined;
    this.#empty(log);
    for (const row of this.#records.after(log.key, log.floor, Number.MAX_SAFE_INTEGER)) {
      const { kind, text } = recordIn(row);
      first ??= seqIn(row);
      this.#count(log, kind, text, 1);
    }
    log.floor = (first ?? log.head) - 1;
  }

  /** Handles records that can neither be read nor removed: they no longer count, so that other logs can go on. */
  #giveUp(log: LogState): void {
    this.#empty(log);
    log.floor = log.head - 1;
  }

  #empty(log: LogState): void {
    this.#shares.add(log.principal, -log.size);
    Object.assign(log, { records: 0, characters: 0, size: 0 });
  }

  #count(log: LogState, kind: RecordKind, text: string, sign: 1 | -1): void {
    log.size += sign * text.length;
    this.#shares.add(log.principal, sign * text.length);
    if (kind === "result_chunk") return;
    log.records += sign;
    log.characters += sign * text.length;
  }
}

function isEvictable({ floor, head }: LogState): boolean {
  return head - floor > 1;
}
