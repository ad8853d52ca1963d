import type { LogPage, LogRecord, PageLimits } from "./log-store.ts";

export interface LogLimits {
  /** Records kept per job, result chunks apart. Default 250,000. */
  readonly records: number;
  /** Characters of text kept per job, result chunks apart. Default 256 Mi. */
  readonly characters: number;
}

/** One job's records in memory: dense from 1 (J1), the oldest evicted beyond the limits, loudly by `floor` (P3). */
export class MemoryLog {
  readonly #limits: LogLimits;
  #records: LogRecord[] = [];
  /** Entries of `#records` before this index were evicted. */
  #start = 0;
  #floor = 0;
  #counted = { records: 0, characters: 0 };

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get head(): number {
    return this.#floor + this.#records.length - this.#start;
  }

  append(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#records.push(record);
      this.#count(record, 1);
    }
    while (this.#overLimit()) this.#evict();
  }

  read(after: number, limits: PageLimits): LogPage {
    const first = this.#start + Math.max(0, after - this.#floor);
    let end = first;
    for (let characters = 0; end < this.#records.length && end - first < limits.records; end++) {
      characters += this.#records[end]?.text.length ?? 0;
      if (characters > limits.characters && end > first) break;
    }
    return { floor: this.#floor, head: this.head, records: this.#records.slice(first, end) };
  }

  #overLimit(): boolean {
    const { records, characters } = this.#counted;
    return (
      (records > this.#limits.records || characters > this.#limits.characters) &&
      this.#records.length - this.#start > 1
    );
  }

  #evict(): void {
    const record = this.#records[this.#start];
    if (record !== undefined) this.#count(record, -1);
    this.#start += 1;
    this.#floor += 1;
    if (this.#start * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#start);
      this.#start = 0;
    }
  }

  #count(record: LogRecord, sign: 1 | -1): void {
    if (record.kind === "result_chunk") return;
    this.#counted.records += sign;
    this.#counted.characters += sign * record.text.length;
  }
}
