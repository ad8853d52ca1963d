import { isPlain } from "@arcp/core";
import Big from "big.js";

/** An exact amount of one currency (R-5.2-4). */
export interface Amount {
  readonly currency: string;
  readonly value: Big;
}

/** Exact amounts by currency. */
export type Money = ReadonlyMap<string, Big>;

/** Exact decimal text by currency, such as `{ USD: "0.25" }`. */
export type Amounts = Readonly<Record<string, string>>;

const AMOUNT = /^([A-Za-z][A-Za-z0-9_-]{0,31}):([0-9]{1,18}(?:\.[0-9]{1,18})?)$/;

/** @returns undefined if `text` is not of the form `currency:decimal` (section 9.6) */
export function parseAmount(text: string): Amount | undefined {
  const [, currency, decimal] = AMOUNT.exec(text) ?? [];
  if (currency === undefined || decimal === undefined) return undefined;
  return { currency, value: new Big(decimal) };
}

/** Whether a metric of this name is a cost, and not the runtime's report of what remains (R-9.6-3). */
export function isCostMetric(name: string): boolean {
  return name.startsWith("cost.") && !name.startsWith("cost.budget.");
}

/**
 * The exact amount of a cost metric: the shortest decimal text of the double (R-5.2-5).
 * @returns undefined unless it is a finite number of zero or more (R-9.6-4)
 */
export function exactCost(value: unknown): Big | undefined {
  const isCost = typeof value === "number" && Number.isFinite(value) && value >= 0;
  return isCost ? new Big(String(value)) : undefined;
}

/** Amounts as exact decimal text; undefined if there are none. */
export function amountsOf(money: Money): Amounts | undefined {
  if (money.size === 0) return undefined;
  return Object.fromEntries([...money].map(([currency, amount]) => [currency, amount.toFixed()]));
}

/** @param refusal creates the error to throw for an invalid amount */
export function readAmounts(amounts: Amounts, refusal: (given: unknown) => Error): Money {
  // Other values have no currencies either, and would pass for no money at all.
  if (!isPlain(amounts)) throw refusal(amounts);
  return new Map(
    Object.entries(amounts).map(([currency, text]) => {
      const amount = typeof text === "string" ? parseAmount(`${currency}:${text}`) : undefined;
      if (amount !== undefined) return [currency, amount.value];
      throw refusal({ [currency]: text });
    }),
  );
}
