import type { SQLOutputValue } from "node:sqlite";
import { isCount, isText, isTime, type Shape, shaped } from "./shape.ts";

/**
 * A text that comes from outside, in the form in which it is stored and compared: as JSON, because a lone surrogate has
 * no UTF-8 and two of them must not become the same text (R-7.2-1).
 */
export function exact(text: string): string {
  return JSON.stringify(text);
}

/** The value that was written into a column as JSON. @throws Error when it is no JSON, or another kind of value */
export function fromJson<T>(value: SQLOutputValue | undefined, is: Shape<T>): T {
  return shaped(JSON.parse(String(value)), is);
}

/** A text that {@link exact} made. @throws Error when it is no such text */
export function textIn(value: SQLOutputValue | undefined): string {
  return fromJson(value, isText);
}

/** A whole number from 0. @throws TypeError when it is none */
export function countIn(value: SQLOutputValue | undefined): number {
  return shaped(Number(value), isCount);
}

/** Milliseconds since 1970. @throws TypeError when it is none */
export function timeIn(value: SQLOutputValue | undefined): number {
  return shaped(Number(value), isTime);
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
