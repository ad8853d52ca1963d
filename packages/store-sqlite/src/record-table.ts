import type { LogRecord, RecordKind } from "@arcp/runtime/store";
import type { Connection, Values } from "./connection.ts";

/** Stored by index, so new kinds go to the end. */
const KINDS: readonly RecordKind[] = [
  "event",
  "progress",
  "result_chunk",
  "budget",
  "credential_rotated",
  "terminal",
  "delegate",
];

/** The highest position in a log, because a key has 32 bits for it. */
export const LAST_SEQ = 2 ** 32 - 1;

/** The key of a record. Computed by SQLite, because a JavaScript number does not have enough bits. */
const PLACE = "(? << 32) | ?";
const WITHIN = `place > (${PLACE}) AND place <= (${PLACE})`;

// Built once: to find the statement of a concatenated text, all of it has to be compared. And no limit is a bare parameter: SQLite
// would plan the query again for each value.
const INSERT = `INSERT INTO records (place, kind, text) VALUES (${PLACE}, ?, ?)`;
const SEQ = `place & ${LAST_SEQ}`;
const AFTER = `SELECT ${SEQ}, kind, text FROM records WHERE ${WITHIN} ORDER BY place LIMIT 0 + ?`;
const BEHIND = `SELECT 1 FROM records WHERE ${WITHIN} LIMIT 1`;
const SIZES = `SELECT ${SEQ}, octet_length(text) FROM records
  WHERE ${WITHIN} ORDER BY place LIMIT 0 + ?`;
const REMOVE = `DELETE FROM records WHERE ${WITHIN}`;

/** The records of all logs, by the key of the log and their position. */
export class RecordTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The highest key of a log that has records; 0 if there is none. */
  get lastLog(): number {
    return Number(this.#connection.value("SELECT coalesce(max(place) >> 32, 0) FROM records"));
  }

  insert(log: number, seq: number, kind: RecordKind, text: string): void {
    this.#connection.run(INSERT, log, seq, KINDS.indexOf(kind), text);
  }

  /** The rows after a position, ascending and read one by one. {@link recordIn} and {@link seqIn} decode them. */
  after(log: number, seq: number, limit: number): Iterable<Values> {
    return this.#connection.each(AFTER, log, Math.min(seq, LAST_SEQ), log, LAST_SEQ, limit);
  }

  /** Whether there are records after a position. */
  hasBehind(log: number, seq: number): boolean {
    return (
      this.#connection.first(BEHIND, log, Math.min(seq, LAST_SEQ), log, LAST_SEQ) !== undefined
    );
  }

  /** The sizes of a log's first records in bytes, without reading their text. */
  *sizes(log: number, limit: number): Generator<{ readonly seq: number; readonly bytes: number }> {
    const rows = this.#connection.each(SIZES, log, 0, log, LAST_SEQ, limit);
    for (const [seq, bytes] of rows) yield { seq: Number(seq), bytes: Number(bytes) };
  }

  /** Removes the records up to a position. */
  removeUpTo(log: number, seq: number): void {
    this.#connection.run(REMOVE, log, 0, log, seq);
  }
}

/** Whether this store may have written the row. */
export function isWritten([, kind]: Values): boolean {
  return Number(kind) in KINDS;
}

/** Decodes the record of a row. An unknown kind counts as an event. */
export function recordIn([, kind, text]: Values): LogRecord {
  return { kind: KINDS[Number(kind)] ?? "event", text: String(text) };
}

/** The position of a row in its log. */
export function seqIn([seq]: Values): number {
  return Number(seq);
}
