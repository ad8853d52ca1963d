import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Connection, Database, Row, Statement } from "../src/connection.ts";
import { openDatabase } from "../src/database-file.ts";

/** A real database that records every statement that it runs. */
export class CountedDatabase implements Database {
  /** In the order in which they ran, each with its white space normalised. */
  readonly ran: string[] = [];
  /** Rows that were returned. */
  rows = 0;
  readonly #inner: DatabaseSync;

  constructor(place: string) {
    this.#inner = new DatabaseSync(place);
  }

  /** @returns one with our schema, and the connection to it */
  static open(path: string): { database: CountedDatabase; connection: Connection } {
    let database: CountedDatabase | undefined;
    const connection = openDatabase(path, (place) => {
      database = new CountedDatabase(place);
      return database;
    });
    if (database === undefined) throw new Error("nobody connected");
    return { database, connection };
  }

  prepare(sql: string): Statement {
    const inner = this.#inner.prepare(sql);
    const text = sql.replace(/\s+/g, " ").trim();
    const seen = <T>(value: T, rows: number): T => {
      this.ran.push(text);
      this.rows += rows;
      return value;
    };
    return {
      run: (...values: readonly SQLInputValue[]) => seen(inner.run(...values), 0),
      get: (...values: readonly SQLInputValue[]) => seen<Row | undefined>(inner.get(...values), 1),
      all: (...values: readonly SQLInputValue[]) => {
        const rows = inner.all(...values);
        return seen(rows, rows.length);
      },
      iterate: (...values: readonly SQLInputValue[]) => {
        const rows = inner.all(...values);
        return seen(rows, rows.length);
      },
    };
  }

  exec(sql: string): void {
    this.#inner.exec(sql);
  }

  close(): void {
    this.#inner.close();
  }

  /** How many of the statements that ran start like this. */
  count(beginning: string): number {
    return this.ran.filter((sql) => sql.startsWith(beginning)).length;
  }

  /** What SQLite scans or sorts for a statement, for lack of an index. */
  scans(sql: string): string[] {
    const plan = this.#inner.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    return plan
      .map(({ detail }) => String(detail))
      .filter((detail) => /^SCAN\b|TEMP B-TREE/.test(detail));
  }

  /** How many rows a table has. */
  size(table: string): number {
    return Number(this.#inner.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.["rows"]);
  }
}
