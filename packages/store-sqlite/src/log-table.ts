import type { JobId } from "@arcp/core";
import type { Connection, Values } from "./connection.ts";
import type { RecordTable } from "./record-table.ts";

/**
 * A row of `logs`, stored or not yet. `records` and `characters` count towards the log's own limits, `size` is the total of all
 * characters.
 */
export interface LogState {
  readonly job: JobId;
  readonly key: number;
  /** As in the row of its job; empty without one. */
  readonly principal: string;
  floor: number;
  head: number;
  records: number;
  characters: number;
  size: number;
}

/** The columns of a row, in the order in which they are read. */
const STATE = "job, key, principal, floor, head, records, characters, size";

/** More characters than any record has. A log that claims more is damaged, and would make other logs lose records. */
const LARGEST_RECORD = 16 * 1024 * 1024;

const FIND = `SELECT ${STATE} FROM logs WHERE job = ?`;
const INSERT = `INSERT INTO logs (${STATE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE =
  "UPDATE logs SET floor = ?, head = ?, records = ?, characters = ?, size = ? WHERE job = ?";
const LAST_KEY =
  "SELECT coalesce(max(key), 0) FROM (SELECT key FROM logs UNION ALL SELECT log FROM removed)";
/** The largest logs of a principal that can be evicted from, read from the partial index of those. */
export const LARGEST = `SELECT ${STATE} FROM logs WHERE principal = ? AND head - floor > 1
  ORDER BY size DESC, job LIMIT 2`;
/** Bounds the size of a log as {@link stateIn} does. */
const SIZES = `SELECT principal, total(max(0, min(size, (head - floor) * ${LARGEST_RECORD}))) AS size
  FROM logs GROUP BY principal`;

/** The rows of all logs. */
export class LogTable {
  readonly #connection: Connection;
  #lastKey: number;

  constructor(connection: Connection, records: RecordTable) {
    this.#connection = connection;
    // In a damaged file a log may have no records, and records no log. Neither key must be reused.
    this.#lastKey = Math.max(records.lastLog, Number(connection.value(LAST_KEY)));
  }

  find(job: JobId): LogState | undefined {
    const row = this.#connection.first(FIND, job);
    return row && stateIn(row);
  }

  /** Creates the state of a log that has no row yet, under a new key. */
  begin(job: JobId, principal: string): LogState {
    this.#lastKey += 1;
    const key = this.#lastKey;
    return { job, key, principal, floor: 0, head: 0, records: 0, characters: 0, size: 0 };
  }

  insert({ job, key, principal, floor, head, records, characters, size }: LogState): void {
    this.#connection.run(INSERT, job, key, principal, floor, head, records, characters, size);
  }

  update({ job, floor, head, records, characters, size }: LogState): void {
    this.#connection.run(UPDATE, floor, head, records, characters, size, job);
  }

  remove(job: JobId): void {
    this.#connection.run("DELETE FROM logs WHERE job = ?", job);
  }

  /** The two largest logs of a principal that can be evicted from. */
  largest(principal: string): LogState[] {
    return [...this.#connection.each(LARGEST, principal)].map(stateIn);
  }

  /** Characters of all logs per principal. */
  sizes(): Array<[principal: string, size: number]> {
    const rows = this.#connection.all(SIZES);
    return rows.map(({ principal, size }) => [String(principal), Number(size)]);
  }
}

function stateIn([job, key, principal, ...numbers]: Values): LogState {
  const [start = 0, end = 0, records = 0, characters = 0, size = 0] = numbers.map(Number);
  const head = Math.max(0, end);
  const floor = Math.max(0, Math.min(start, head));
  return {
    job: job as JobId,
    key: Number(key),
    principal: String(principal),
    floor,
    head,
    records,
    characters,
    size: Math.max(0, Math.min(size, (end - start) * LARGEST_RECORD)),
  };
}
