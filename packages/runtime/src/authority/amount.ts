import Big from "big.js";

/** An exact amount of one currency (R-5.2-4). */
export interface Amount {
  readonly currency: string;
  readonly value: Big;
}

const AMOUNT = /^([A-Za-z][A-Za-z0-9_-]{0,31}):([0-9]{1,18}(?:\.[0-9]{1,18})?)$/;

/** @returns undefined if `text` is not of the form `currency:decimal` (section 9.6) */
export function parseAmount(text: string): Amount | undefined {
  const [, currency, decimal] = AMOUNT.exec(text) ?? [];
  if (currency === undefined || decimal === undefined) return undefined;
  return { currency, value: new Big(decimal) };
}

/**
 * The exact amount of a cost metric: the shortest decimal text of the double (R-5.2-5).
 * @returns undefined unless it is a finite number of zero or more (R-9.6-4)
 */
export function exactCost(value: unknown): Big | undefined {
  const isCost = typeof value === "number" && Number.isFinite(value) && value >= 0;
  return isCost ? new Big(String(value)) : undefined;
}
