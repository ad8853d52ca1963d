import type { LogRecord, RecordKind } from "@arcp/runtime/store";
import type { Connection } from "./connection.ts";

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

  insert(log: number, seq: number, { kind, text }: LogRecord): void {
    this.#connection.run(
      `INSERT INTO records (place, kind, text) VALUES (${PLACE}, ?, ?)`,
      log,
      seq,
      KINDS.indexOf(kind),
      text,
    );
  }

  /** Those behind a position, ascending, read one by one. */
  *after(log: number, seq: number, limit: number): Generator<LogRecord> {
    const rows = this.#connection.each(
      `SELECT kind, text FROM records WHERE place > (${PLACE}) AND place <= (${PLACE}) ORDER BY place LIMIT ?`,
      log,
      Math.min(seq, LAST_SEQ),
      log,
      LAST_SEQ,
      limit,
    );
    for (const { kind, text } of rows) {
      yield { kind: KINDS[Number(kind)] ?? "event", text: String(text) };
    }
  }

  /** How large the first ones of a log are, one by one: bytes, without the text being read. */
  *sizes(log: number, limit: number): Generator<{ readonly seq: number; readonly bytes: number }> {
    const rows = this.#connection.each(
      `SELECT place & ${LAST_SEQ} AS seq, octet_length(text) AS bytes FROM records
         WHERE place > (${PLACE}) AND place <= (${PLACE}) ORDER BY place LIMIT ?`,
      log,
      0,
      log,
      LAST_SEQ,
      limit,
    );
    for (const { seq, bytes } of rows) yield { seq: Number(seq), bytes: Number(bytes) };
  }

  /** Removes those up to a position. */
  removeUpTo(log: number, seq: number): void {
    this.#connection.run(
      `DELETE FROM records WHERE place > (${PLACE}) AND place <= (${PLACE})`,
      log,
      0,
      log,
      seq,
    );
  }
}
