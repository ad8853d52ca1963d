import type { RecordKind } from "@arcp/runtime/store";
import type { Allowance } from "./allowance.ts";
import { isCorrupt } from "./damage.ts";
import type { LogState } from "./log-table.ts";
import { type RecordTable, recordIn, seqIn } from "./record-table.ts";
import type { Shares } from "./shares.ts";

/** What logs hold, and what they lose of it; their rows are the caller's to write. */
export class Holdings {
  readonly #records: RecordTable;
  readonly #shares: Shares;
  /** The keys of logs of which SQLite cannot read some part of the file. */
  readonly #torn = new Set<number>();

  constructor(records: RecordTable, shares: Shares) {
    this.#records = records;
    this.#shares = shares;
  }

  /** A record comes to a log. */
  add(log: LogState, kind: RecordKind, text: string): void {
    this.#count(log, kind, text, 1);
  }

  /**
   * Removes the oldest records as long as that goes on; the newest one stays whatever its size.
   * @throws what SQLite throws where it cannot read them, once for each log
   */
  evict(log: LogState, goesOn: () => boolean, allowance: Allowance): void {
    const mayGoOn = (): boolean => allowance.isLeft && isEvictable(log) && goesOn();
    while (mayGoOn()) {
      if (this.#torn.has(log.key)) return this.#giveUp(log);
      try {
        this.#evictOldest(log, mayGoOn, allowance);
        // What is missing would be looked for for ever, and others would lose theirs for it.
        if (mayGoOn()) this.#recount(log);
      } catch (error) {
        // SQLite takes nothing more in this transaction. The next one goes round it.
        if (isCorrupt(error)) this.#torn.add(log.key);
        throw error;
      }
    }
  }

  /** Stops in front of what is missing. */
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

  /** A log of which the next records are missing begins behind them, and holds no more than what is there. */
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

  /** Of records that can be neither read nor removed the log is free all the same: everybody else has to go on. */
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
