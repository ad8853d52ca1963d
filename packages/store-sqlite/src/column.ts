import type { SQLOutputValue } from "node:sqlite";
import { isCount, isText, isTime, type Shape, shaped } from "./shape.ts";

/**
 * Encodes a foreign text for storage and comparison: as JSON, because a lone surrogate has no UTF-8 form and two different ones
 * must not become the same text (R-7.2-1).
 */
export function exact(text: string): string {
  return JSON.stringify(text);
}

/** Decodes a JSON column. @throws Error if it is not JSON, or a value of another type */
export function fromJson<T>(value: SQLOutputValue | undefined, is: Shape<T>): T {
  return shaped(JSON.parse(String(value)), is);
}

/** Decodes a text encoded by {@link exact}. @throws Error if it is no such text */
export function textIn(value: SQLOutputValue | undefined): string {
  return fromJson(value, isText);
}

/** Decodes a whole number from 0. @throws TypeError if it is not one */
export function countIn(value: SQLOutputValue | undefined): number {
  return shaped(Number(value), isCount);
}

/** Decodes milliseconds since 1970. @throws TypeError if it is not a time */
export function timeIn(value: SQLOutputValue | undefined): number {
  return shaped(Number(value), isTime);
}

/** Decodes an optional value; undefined if there is none. */
export function present<T>(
  value: SQLOutputValue | undefined,
  decode: (value: SQLOutputValue) => T,
): T | undefined {
  return value === null || value === undefined ? undefined : decode(value);
}

/** Converts a limit to a number that SQLite accepts in a query. */
export function countLimit(limit: number): number {
  return Math.min(Math.max(0, Math.trunc(limit)), Number.MAX_SAFE_INTEGER);
}
