import type { SQLOutputValue } from "node:sqlite";

/**
 * A text that comes from outside, in the form in which it is stored and compared: as JSON, because a lone surrogate has
 * no UTF-8 and two of them must not become the same text (R-7.2-1).
 */
export function exact(text: string): string {
  return JSON.stringify(text);
}

/** The value that was written into a column as JSON. The caller names its type: here is where it is decoded. */
export function fromJson<T>(value: SQLOutputValue | undefined): T {
  return JSON.parse(String(value)) as T;
}

/** An optional value: undefined where there is none. */
export function present<T>(
  value: SQLOutputValue | undefined,
  decode: (value: SQLOutputValue) => T,
): T | undefined {
  return value === null || value === undefined ? undefined : decode(value);
}

/** A number that SQLite takes as the limit of a query. */
export function countLimit(limit: number): number {
  return Math.min(Math.max(0, Math.trunc(limit)), Number.MAX_SAFE_INTEGER);
}
