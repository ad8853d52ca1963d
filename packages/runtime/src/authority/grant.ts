import { isPlain } from "@arcp/core";
import type Big from "big.js";
import { parseAmount } from "./amount.ts";

/** Amounts by currency. */
export type Grant = ReadonlyMap<string, Big>;

/** Exact decimal text by currency, such as `{ USD: "0.25" }`. */
export type Amounts = Readonly<Record<string, string>>;

/** @param refusal creates the error to throw for an invalid amount */
export function readAmounts(amounts: Amounts, refusal: (given: unknown) => Error): Grant {
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

/** Initial amounts by currency, or what is wrong with an entry of `cost.budget`. */
export type GrantOutcome =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly problem: string };

/** Sums up the entries of `cost.budget` per currency (R-9.6-1, R-9.6-2). */
export function compileGrant(entries: readonly string[]): GrantOutcome {
  const grant = new Map<string, Big>();
  for (const [index, entry] of entries.entries()) {
    const amount = parseAmount(entry);
    if (amount === undefined) {
      return { ok: false, problem: `${index}: is not an amount such as "USD:2.50"` };
    }
    const { currency, value } = amount;
    grant.set(currency, value.plus(grant.get(currency) ?? 0));
  }
  return { ok: true, grant };
}

/** Whether a metric of this name is a cost, and not the runtime's report of what remains (R-9.6-3). */
export function isCostMetric(name: string): boolean {
  return name.startsWith("cost.") && !name.startsWith("cost.budget.");
}
