import type { LogRecord, RecordKind } from "./log-store.ts";
import type { LongText } from "./long-text.ts";

/** Characters from which on a record is long. */
export const LONG = 32 * 1024;

/**
 * A record whose text is outside of the heap. A copy of it, property by property, has the text as a string and nothing else: a
 * store that puts another text into a copy, as one that encrypts does, must not hand on the former one beside it.
 */
export class LongRecord implements LogRecord {
  readonly kind: RecordKind;
  /** A new string each time. */
  declare readonly text: string;
  readonly #long: LongText;

  constructor(kind: RecordKind, long: LongText) {
    this.kind = kind;
    this.#long = long;
    Object.defineProperty(this, "text", TEXT);
  }

  get long(): LongText {
    return this.#long;
  }
}

/** Its own, so that copies have it, and one for all: a getter for each takes several times as long. */
const TEXT: PropertyDescriptor & ThisType<LongRecord> = {
  enumerable: true,
  get() {
    return this.long.toString();
  },
};

/** In characters. */
export function lengthOf(record: LogRecord): number {
  return (record.long ?? record.text).length;
}
