import type { LogRecord, RecordKind } from "./log-store.ts";
import type { LongText } from "./long-text.ts";

/** Characters from which on a record is long. */
export const LONG = 32 * 1024;

/** A record whose text is outside of the heap. */
export class LongRecord implements LogRecord {
  readonly kind: RecordKind;
  readonly long: LongText;

  constructor(kind: RecordKind, long: LongText) {
    this.kind = kind;
    this.long = long;
  }

  /** A new string each time. */
  get text(): string {
    return this.long.toString();
  }
}

/** In characters. */
export function lengthOf(record: LogRecord): number {
  return (record.long ?? record.text).length;
}
