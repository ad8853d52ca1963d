import type { LogRecord, RecordKind } from "./log-store.ts";
import type { LongText } from "./long-text.ts";

/** The number of characters from which on a record is long. */
export const LONG = 32 * 1024;

/**
 * A record whose text is off-heap. A copy made property by property has only the text, as a string. A store that replaces the text
 * in a copy, for example to encrypt it, must not pass on the original beside it.
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

/**
 * An own property, so that copies include it. One descriptor is shared by all, because a getter per record takes several times as
 * long.
 */
const TEXT: PropertyDescriptor & ThisType<LongRecord> = {
  enumerable: true,
  get() {
    return this.long.toString();
  },
};

/** The record's length in characters. */
export function lengthOf(record: LogRecord): number {
  return (record.long ?? record.text).length;
}
