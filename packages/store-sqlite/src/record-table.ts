import type { LogRecord, RecordKind } from "@arcp/runtime/store";
import type { Connection, Values } from "./connection.ts";

/** As they are stored, by position: new kinds go to the end. */
const KINDS: readonly RecordKind[] = [
  "event",
  "progress",
  "result_chunk",
  "budget",
  "credential_rotated",
  "terminal",
  "delegate",
];

/** The highest position in a log: what the lower half of a key holds. */
export const LAST_SEQ = 2 ** 32 - 1;

/** The key of a record. SQLite makes it, as a number of JavaScript does not hold so many bits. */
const PLACE = "(? << 32) | ?";
const WITHIN = `place > (${PLACE}) AND place <= (${PLACE})`;

// Each is made once: a text that is put together is looked at whole to find its statement. And none has a bare parameter as its
// limit: SQLite plans by its value, and so anew each time.
const INSERT = `INSERT INTO records (place, kind, text) VALUES (${PLACE}, ?, ?)`;
const SEQ = `place & ${LAST_SEQ}`;
const AFTER = `SELECT ${SEQ}, kind, text FROM records WHERE ${WITHIN} ORDER BY place LIMIT 0 + ?`;
const BEHIND = `SELECT 1 FROM records WHERE ${WITHIN} LIMIT 1`;
const SIZES = `SELECT ${SEQ}, octet_length(text) FROM records
  WHERE ${WITHIN} ORDER BY place LIMIT 0 + ?`;
const REMOVE = `DELETE FROM records WHERE ${WITHIN}`;

/** The records of all logs, each log by its key and in the order of its positions. */
export class RecordTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The highest key of a log that has records; 0 when there is none. */
  get lastLog(): number {
    return Number(this.#connection.value("SELECT coalesce(max(place) >> 32, 0) FROM records"));
  }

  insert(log: number, seq: number, kind: RecordKind, text: string): void {
    this.#connection.run(INSERT, log, seq, KINDS.indexOf(kind), text);
  }

  /** Rows of those behind a position, ascending, read one by one: each is a {@link recordIn} at a {@link seqIn}. */
  after(log: number, seq: number, limit: number): Iterable<Values> {
    return this.#connection.each(AFTER, log, Math.min(seq, LAST_SEQ), log, LAST_SEQ, limit);
  }

  /** Whether there are any behind a position. */
  hasBehind(log: number, seq: number): boolean {
    return (
      this.#connection.first(BEHIND, log, Math.min(seq, LAST_SEQ), log, LAST_SEQ) !== undefined
    );
  }

  /** How large the first ones of a log are, one by one: bytes, without the text being read. */
  *sizes(log: number, limit: number): Generator<{ readonly seq: number; readonly bytes: number }> {
    const rows = this.#connection.each(SIZES, log, 0, log, LAST_SEQ, limit);
    for (const [seq, bytes] of rows) yield { seq: Number(seq), bytes: Number(bytes) };
  }

  /** Removes those up to a position. */
  removeUpTo(log: number, seq: number): void {
    this.#connection.run(REMOVE, log, 0, log, seq);
  }
}

/** Whether somebody may have written the row. */
export function isWritten([, kind]: Values): boolean {
  return Number(kind) in KINDS;
}

/** Of a row that nobody has written it counts as an event. */
export function recordIn([, kind, text]: Values): LogRecord {
  return { kind: KINDS[Number(kind)] ?? "event", text: String(text) };
}

/** The position of a row in its log. */
export function seqIn([seq]: Values): number {
  return Number(seq);
}
