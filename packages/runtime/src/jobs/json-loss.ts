import { isPlain } from "@arcp/core";

/**
 * Whether JSON would silently lose a whole value: it omits a function or symbol, writes a map, a set or an unused generator as `{}`,
 * and bytes as an object of indices. The parts of a value are not checked.
 */
export function isLostAsJson(value: unknown): boolean {
  if (typeof value !== "object") return typeof value === "function" || typeof value === "symbol";
  if (value === null || isPlain(value)) return false;
  if (ArrayBuffer.isView(value)) return !("toJSON" in value);
  const isIterable = Symbol.iterator in value || Symbol.asyncIterator in value;
  return isIterable && Object.keys(value).length === 0 && JSON.stringify(value) === "{}";
}

/** The kind of a value, as text for people: `[object Map]`. */
export function objectTag(value: unknown): string {
  return Object.prototype.toString.call(value);
}
