import { isObject } from "@arcp/core";

/** Checks that a value is of the type that was written, because a file may be damaged. */
export type Shape<T> = (value: unknown) => value is T;

/** The largest distance from 1970 that a `Date` can represent, in milliseconds. */
const LONGEST = 8.64e15;

export const isText: Shape<string> = (value) => typeof value === "string";

export const isCount: Shape<number> = (value): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** A whole number from 1. */
export const isPlace: Shape<number> = (value): value is number => isCount(value) && value > 0;

export const isPositive: Shape<number> = (value): value is number =>
  typeof value === "number" && value > 0;

/** Milliseconds since 1970. */
export const isTime: Shape<number> = (value): value is number =>
  typeof value === "number" && Math.abs(value) <= LONGEST;

/** An exact decimal. */
export const isDecimal: Shape<string> = (value): value is string =>
  typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value);

export function oneOf<T>(...known: readonly T[]): Shape<T> {
  return (value): value is T => known.some((one) => one === value);
}

export function listOf<T>(is: Shape<T>): Shape<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is);
}

export function mapOf<T>(is: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value): value is Readonly<Record<string, T>> =>
    isObject(value) && Object.values(value).every(is);
}

export function optional<T>(is: Shape<T>): Shape<T | undefined> {
  return (value): value is T | undefined => value === undefined || is(value);
}

/** An object with at least these members. */
export function withMembers<T extends object>(
  members: {
    readonly [K in keyof T]-?: Shape<T[K]>;
  },
): Shape<T> {
  const all = Object.entries<Shape<unknown>>(members);
  return (value): value is T => isObject(value) && all.every(([name, is]) => is(value[name]));
}

/** @throws TypeError if the value has another shape */
export function shaped<T>(value: unknown, is: Shape<T>): T {
  if (is(value)) return value;
  throw new TypeError("it is not what was written");
}
