import type { Clock } from "./clock.ts";
import { isObject } from "./json.ts";

/** A requirement on the value of an option. */
export interface OptionRule {
  /** The requirement in words, to follow "must be". */
  readonly right: string;
  /** Whether a value meets it. */
  readonly fits: (value: unknown) => boolean;
  /** Whether the option has no default. Otherwise undefined is the same as leaving it out. */
  readonly isRequired?: boolean;
}

/** A rule for every option. */
export type OptionRules<Options extends object> = {
  readonly [Name in keyof Required<Options>]: OptionRule;
};

/** Checked because a string can be compared with zero too, and because no timer accepts NaN. */
const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** @param right what the option must be, and perhaps where to get one */
const having = <T>(right: string, ...methods: readonly (keyof T & string)[]): OptionRule => ({
  right,
  fits: (value) => isObject(value) && methods.every((name) => typeof value[name] === "function"),
});

const some = (right: string, fits: OptionRule["fits"]): OptionRule => ({ right, fits });

/** The rules that several functions share, and the helpers that make others. */
export const rule = {
  /** A custom rule. */
  some,
  /** An object with these methods. */
  having,
  /** The same rule for an option without a default. */
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
  // The schemas of some libraries are functions.
  schema: some("a Standard Schema, such as z.object({ … }) of zod", (value) => {
    const isOne = isObject(value) || typeof value === "function";
    return isOne && "~standard" in value && isObject(value["~standard"]);
  }),
};

/** Whether a value is a plain object: not an array, a map or an instance of a class. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Accepts objects of other realms, which have an `Object` of their own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
