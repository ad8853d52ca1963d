import Big from "big.js";

/** An amount of one currency, exact (R-5.2-4). */
export interface Amount {
  readonly currency: string;
  readonly value: Big;
}

const AMOUNT = /^([A-Za-z][A-Za-z0-9_-]{0,31}):([0-9]{1,18}(?:\.[0-9]{1,18})?)$/;

/** @returns undefined when `text` is not of the form `currency:decimal` (section 9.6) */
export function parseAmount(text: string): Amount | undefined {
  const [, currency, decimal] = AMOUNT.exec(text) ?? [];
  if (currency === undefined || decimal === undefined) return undefined;
  return { currency, value: new Big(decimal) };
}

/**
 * A cost as a metric tells it: the double's shortest decimal text (R-5.2-5).
 * @returns undefined unless it is a finite number of zero or more (R-9.6-4)
 */
export function exactCost(value: unknown): Big | undefined {
  const isCost = typeof value === "number" && Number.isFinite(value) && value >= 0;
  return isCost ? new Big(String(value)) : undefined;
}

/** A number whose JSON text is given, so that no double comes between an exact amount and the wire. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** A number that `JSON.stringify` writes exactly as `text`, a decimal such as `-0.15` (R-5.2-5). */
export function exactNumber(text: string): ExactNumber {
  return rawJSON(text);
}

/** Exact amounts by currency, as a `budget` of the wire: `JSON.stringify` writes numbers with exactly those digits. */
export function exactNumbers(amounts: Iterable<[string, string]>): Record<string, ExactNumber> {
  return Object.fromEntries([...amounts].map(([currency, text]) => [currency, exactNumber(text)]));
}

// Part of the language and of Node 22, but not yet of the compiler's libraries.
const rawJSON: (text: string) => ExactNumber = Reflect.get(JSON, "rawJSON");

/** Whether it is what `JSON.rawJSON` makes, which is written as a number, a text, a boolean or null. */
export const isRawJson: (value: unknown) => boolean = Reflect.get(JSON, "isRawJSON");
