import type { LogPage, LogRecord, PageLimits, RecordKind } from "./log-store.ts";
import { LONG, LongRecord, lengthOf } from "./long-record.ts";
import { LongText } from "./long-text.ts";

export interface LogLimits {
  /** Records kept per job, not counting result chunks. Default 250,000. */
  readonly records: number;
  /** Characters of text kept per job, not counting result chunks. Default 256 Mi. */
  readonly characters: number;
}

/** The size at which a segment is full and appends begin a new one, because growing copies its content. */
const SEGMENT = { records: 64, characters: LONG };

/**
 * The records of a few appends, packed into one string, so that a kept record costs its characters and five bytes, and the garbage
 * collector visits one object instead of hundreds.
 */
interface Segment {
  /** The `job_seq` before its first record. */
  readonly after: number;
  text: string;
  /** The text of its only record, if that is long and kept off-heap. */
  readonly long: LongText | undefined;
  /** Where the text of each record ends. */
  ends: readonly number[];
  kinds: readonly RecordKind[];
}

/** One job's records in memory: dense from 1 (J1). Above the limits the oldest are evicted, loudly by `floor` (P3). */
export class MemoryLog {
  readonly #limits: LogLimits;
  #segments: Segment[] = [];
  #floor = 0;
  #head = 0;
  /** What counts towards the limits. */
  #counted = { records: 0, characters: 0 };
  #characters = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get head(): number {
    return this.#head;
  }

  /** The length of all kept records. */
  get characters(): number {
    return this.#characters;
  }

  /** Whether it has a record to evict: the newest one stays, however large it is. */
  get isEvictable(): boolean {
    return this.#head - this.#floor > 1;
  }

  append(records: readonly LogRecord[]): void {
    for (let from = 0; from < records.length; ) {
      const to = endOfPack(records, from);
      this.#pack(from === 0 && to === records.length ? records : records.slice(from, to));
      from = to;
    }
    while (this.#overLimit()) this.evict();
  }

  #pack(records: readonly LogRecord[]): void {
    const [first] = records;
    const long = first !== undefined && isLong(first);
    const segment = long ? this.#newSegment(kept(first)) : this.#openSegment();
    let end = segment.ends.at(-1) ?? 0;
    const ends = records.map((record) => {
      const length = lengthOf(record);
      this.#count(record.kind, length, 1);
      end += length;
      return end;
    });
    // `concat` allocates exactly: most logs are short, and an array that grows by `push` reserves room for sixteen more.
    segment.ends = segment.ends.concat(ends);
    segment.kinds = segment.kinds.concat(records.map(({ kind }) => kind));
    this.#head += records.length;
    if (segment.long !== undefined) return;
    const added = first && records.length === 1 ? first.text : joined(records);
    segment.text = segment.text === "" ? added : [segment.text, added].join("");
  }

  read(after: number, limits: PageLimits): LogPage {
    const records: LogRecord[] = [];
    let next = Math.max(after, this.#floor);
    let characters = 0;
    for (let s = this.#indexOf(next); s < this.#segments.length; s++) {
      const segment = this.#segments[s];
      if (segment === undefined) break;
      for (let i = next - segment.after; i < segment.ends.length; i++, next++) {
        characters += lengthAt(segment, i);
        const full = records.length > 0 && characters > limits.characters;
        if (full || records.length >= limits.records) return this.#page(records);
        records.push(this.#recordAt(segment, i));
      }
    }
    return this.#page(records);
  }

  #page(records: readonly LogRecord[]): LogPage {
    return { floor: this.#floor, head: this.#head, records };
  }

  #recordAt({ text, long, ends, kinds }: Segment, index: number): LogRecord {
    const kind = kinds[index] ?? "event";
    if (long !== undefined) return new LongRecord(kind, long.lend());
    return { kind, text: text.slice(startAt(ends, index), ends[index]) };
  }

  #openSegment(): Segment {
    const last = this.#segments.at(-1);
    const room =
      last !== undefined &&
      last.ends.length < SEGMENT.records &&
      (last.ends.at(-1) ?? 0) < SEGMENT.characters;
    return room ? last : this.#newSegment(undefined);
  }

  #newSegment(long: LongText | undefined): Segment {
    const segment: Segment = { after: this.#head, text: "", long, ends: [], kinds: [] };
    if (this.#segments.length === 0) this.#segments = [segment];
    else this.#segments.push(segment);
    return segment;
  }

  /** The index of the segment with the record after `after`; the number of segments if there is none. */
  #indexOf(after: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#segments[middle];
      if (segment !== undefined && segment.after + segment.ends.length > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #overLimit(): boolean {
    const { records, characters } = this.#counted;
    const over = records > this.#limits.records || characters > this.#limits.characters;
    return over && this.isEvictable;
  }

  /** Evicts the oldest record, and a segment with its last one. @returns the number of characters evicted */
  evict(): number {
    const [segment] = this.#segments;
    if (segment === undefined) return 0;
    const index = this.#floor - segment.after;
    const characters = lengthAt(segment, index);
    this.#count(segment.kinds[index] ?? "event", characters, -1);
    this.#floor += 1;
    if (index + 1 === segment.ends.length) {
      this.#segments.shift();
      segment.long?.release();
    }
    return characters;
  }

  /** Releases all blocks. Nobody may read or write the log afterwards. */
  remove(): void {
    for (const { long } of this.#segments.splice(0)) long?.release();
  }

  #count(kind: RecordKind, characters: number, sign: 1 | -1): void {
    this.#characters += sign * characters;
    if (kind === "result_chunk") return;
    this.#counted.records += sign;
    this.#counted.characters += sign * characters;
  }
}

/** Whether a record gets a segment of its own. */
function isLong(record: LogRecord): boolean {
  return lengthOf(record) >= SEGMENT.characters;
}

/** @returns undefined for a text that must stay a string */
function kept(record: LogRecord): LongText | undefined {
  const text = record.long ?? LongText.of(record.text);
  return text?.keep();
}

/** The end of the records from `from` on that go into the same segment. */
function endOfPack(records: readonly LogRecord[], from: number): number {
  for (let i = from; i < records.length; i++) {
    const record = records[i];
    if (record !== undefined && isLong(record)) return Math.max(i, from + 1);
  }
  return records.length;
}

function joined(records: readonly LogRecord[]): string {
  return records.map(({ text }) => text).join("");
}

function lengthAt({ ends }: Segment, index: number): number {
  return (ends[index] ?? 0) - startAt(ends, index);
}

function startAt(ends: readonly number[], index: number): number {
  return index === 0 ? 0 : (ends[index - 1] ?? 0);
}
