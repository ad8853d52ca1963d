import type { LogPage, LogRecord, PageLimits, RecordKind } from "./log-store.ts";

export interface LogLimits {
  /** Records kept per job, result chunks apart. Default 250,000. */
  readonly records: number;
  /** Characters of text kept per job, result chunks apart. Default 256 Mi. */
  readonly characters: number;
}

/** A segment grows until it has as much; then appends begin a new one. Growing copies what is there. */
const SEGMENT = { records: 64, characters: 32 * 1024 };

/**
 * Records of a few appends, packed: their texts are one string, so that a kept record costs its characters and five
 * bytes, and the garbage collector has one object to look at instead of hundreds.
 */
interface Segment {
  /** The `job_seq` before its first record. */
  readonly after: number;
  text: string;
  /** Where the text of each record ends. */
  ends: readonly number[];
  kinds: readonly RecordKind[];
}

/** One job's records in memory: dense from 1 (J1), the oldest evicted beyond the limits, loudly by `floor` (P3). */
export class MemoryLog {
  readonly #limits: LogLimits;
  #segments: Segment[] = [];
  #floor = 0;
  #head = 0;
  /** What counts for the limits. */
  #counted = { records: 0, characters: 0 };
  #characters = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get head(): number {
    return this.#head;
  }

  /** Of the text of all kept records. */
  get characters(): number {
    return this.#characters;
  }

  /** Whether it has something to lose: the newest record stays, however large it is. */
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
    const segment = first !== undefined && isLong(first) ? this.#newSegment() : this.#openSegment();
    let end = segment.text.length;
    const ends = records.map(({ kind, text }) => {
      this.#count(kind, text.length, 1);
      end += text.length;
      return end;
    });
    // Most logs are short, and an array that grows by itself reserves room for sixteen more.
    segment.ends = segment.ends.concat(ends);
    segment.kinds = segment.kinds.concat(records.map(({ kind }) => kind));
    const added = first && records.length === 1 ? first.text : joined(records);
    segment.text = segment.text === "" ? added : [segment.text, added].join("");
    this.#head += records.length;
  }

  read(after: number, limits: PageLimits): LogPage {
    const records: LogRecord[] = [];
    let next = Math.max(after, this.#floor);
    let characters = 0;
    for (let s = this.#indexOf(next); s < this.#segments.length; s++) {
      const segment = this.#segments[s];
      if (segment === undefined) break;
      for (let i = next - segment.after; i < segment.ends.length; i++, next++) {
        const record = recordAt(segment, i);
        characters += record.text.length;
        const full = records.length > 0 && characters > limits.characters;
        if (full || records.length >= limits.records) return this.#page(records);
        records.push(record);
      }
    }
    return this.#page(records);
  }

  #page(records: readonly LogRecord[]): LogPage {
    return { floor: this.#floor, head: this.#head, records };
  }

  #openSegment(): Segment {
    const last = this.#segments.at(-1);
    const room =
      last !== undefined &&
      last.ends.length < SEGMENT.records &&
      last.text.length < SEGMENT.characters;
    return room ? last : this.#newSegment();
  }

  #newSegment(): Segment {
    const segment: Segment = { after: this.#head, text: "", ends: [], kinds: [] };
    if (this.#segments.length === 0) this.#segments = [segment];
    else this.#segments.push(segment);
    return segment;
  }

  /** The segment that holds the record behind `after`; the number of segments when none does. */
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

  /** Evicts the oldest record; its segment goes with the last of them. @returns how many characters that were */
  evict(): number {
    const [segment] = this.#segments;
    if (segment === undefined) return 0;
    const index = this.#floor - segment.after;
    const { kind, text } = recordAt(segment, index);
    this.#count(kind, text.length, -1);
    this.#floor += 1;
    if (index + 1 === segment.ends.length) this.#segments.shift();
    return text.length;
  }

  #count(kind: RecordKind, characters: number, sign: 1 | -1): void {
    this.#characters += sign * characters;
    if (kind === "result_chunk") return;
    this.#counted.records += sign;
    this.#counted.characters += sign * characters;
  }
}

/** A text as long as a segment is one by itself, as it is: to copy it would cost more than all the rest. */
function isLong({ text }: LogRecord): boolean {
  return text.length >= SEGMENT.characters;
}

/** Where the records from `from` on end that go into one segment together. */
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

function recordAt({ text, ends, kinds }: Segment, index: number): LogRecord {
  const start = index === 0 ? 0 : (ends[index - 1] ?? 0);
  return { kind: kinds[index] ?? "event", text: text.slice(start, ends[index]) };
}
