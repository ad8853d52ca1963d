import { isPlain } from "@arcp/core";

/**
 * Whether JSON would lose all of a value without a word: it leaves out a function, empties a map, a set and a generator that
 * nobody has run, and makes a list by index of bytes. What it does to parts of a value is not looked at.
 */
export function isLostAsJson(value: unknown): boolean {
  if (typeof value !== "object") return typeof value === "function" || typeof value === "symbol";
  if (value === null || isPlain(value)) return false;
  if (ArrayBuffer.isView(value)) return !("toJSON" in value);
  const isIterable = Symbol.iterator in value || Symbol.asyncIterator in value;
  return isIterable && Object.keys(value).length === 0 && JSON.stringify(value) === "{}";
}

/** What it is, for humans: `[object Map]`. */
export function objectTag(value: unknown): string {
  return Object.prototype.toString.call(value);
}
