import type { Clock } from "./clock.ts";
import { isObject } from "./json.ts";

/** What an option has to be. */
export interface OptionRule {
  /** In words, as it follows "must be". */
  readonly right: string;
  /** Whether a value is right. */
  readonly fits: (value: unknown) => boolean;
  /** Whether it has no default. Else undefined is as good as nothing. */
  readonly isRequired?: boolean;
}

/** A rule for each option that there is. */
export type OptionRules<Options extends object> = {
  readonly [Name in keyof Required<Options>]: OptionRule;
};

/** A text compares with zero like a number, and no timer takes NaN. */
const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** @param right what it is, and perhaps where one gets it */
const having = <T>(right: string, ...methods: readonly (keyof T & string)[]): OptionRule => ({
  right,
  fits: (value) => isObject(value) && methods.every((name) => typeof value[name] === "function"),
});

const some = (right: string, fits: OptionRule["fits"]): OptionRule => ({ right, fits });

/** The rules that options of several functions share, and how others are made. */
export const rule = {
  /** A rule of one's own. */
  some,
  /** An object with methods of these names. */
  having,
  /** The same without a default. */
  required: (optional: OptionRule): OptionRule => ({ ...optional, isRequired: true }),
  aboveZero: some("a number above zero", (value) => isNumber(value) && value > 0),
  wait: some("a number from zero, or Infinity", (value) => typeof value === "number" && value >= 0),
  limit: some(
    "a number above zero, or Infinity",
    (value) => typeof value === "number" && value > 0,
  ),
  wholeAboveZero: some(
    "a whole number above zero",
    (value) => isNumber(value) && value > 0 && Number.isSafeInteger(value),
  ),
  flag: some("true or false", (value) => typeof value === "boolean"),
  text: some("a string", (value) => typeof value === "string" && value !== ""),
  texts: some(
    "an array of strings",
    (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  ),
  method: some("a function", (value) => typeof value === "function"),
  array: some("an array", Array.isArray),
  table: some("an object with a value for each name", isPlain),
  clock: having<Clock>("a clock", "now", "monotonic", "after"),
  // Those of some libraries are functions.
  schema: some("a Standard Schema, such as z.object({ … }) of zod", (value) => {
    const isOne = isObject(value) || typeof value === "function";
    return isOne && "~standard" in value && isObject(value["~standard"]);
  }),
};

/** Whether a value is an object of nothing but its own properties: no array, no map, no instance of a class. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also of another realm, whose `Object` is another.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
