import type Big from "big.js";
import { type Money, parseAmount } from "./money.ts";

/** Initial amounts by currency, or what is wrong with an entry of `cost.budget`. */
export type GrantOutcome =
  | { readonly ok: true; readonly grant: Money }
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
