import { ArcpError, isPlain, LocalError } from "@arcp/core";
import Big from "big.js";
import { clip } from "./clip.ts";
import { type Amounts, exactCost, type Money, readAmounts } from "./money.ts";
import { quoted } from "./quoted.ts";

/**
 * What a million units cost, by unit and then by currency, as exact decimal text. Units may have any names:
 * `{ input: { USD: "2.50" }, output: { USD: "10" } }`. A unit that costs nothing has `{}`.
 */
export type PriceTable = Readonly<Record<string, Amounts>>;

/** How many units were used, by the names in the price table: `{ input: 1200, output: 80 }`. */
export type Usage = Readonly<Record<string, number>>;

/** Prices are per million units. */
const PER_UNIT = "0.000001";

/** The most decimal places of an amount (section 9.6). */
const DECIMALS = 18;

/** The prices of one model. */
export class Prices {
  readonly #units: ReadonlyMap<string, Money>;

  /** @throws LocalError `MISUSE` for an invalid price */
  constructor(model: string, table: PriceTable) {
    if (!isPlain(table)) throw noPrice(model, table);
    const units = Object.entries(table).map(([unit, price]): [string, Money] => [
      unit,
      readAmounts(price, (given) => noPrice(model, { [unit]: given })),
    ]);
    this.#units = new Map(units);
  }

  /**
   * The cost of a usage by currency: exact, or rounded up beyond the decimal places of an amount.
   * @throws ArcpError `INVALID_REQUEST` for a unit without a price, an invalid count, and an empty usage: what cannot be counted
   *   must not be free
   */
  costOf(usage: Usage): Money {
    const cost = new Map<string, Big>();
    const counts = Object.entries(usage);
    if (counts.length === 0 && this.#units.size > 0) {
      throw invalid(`is missing; it counts ${this.#names()}`);
    }
    for (const [unit, given] of counts) {
      const price = this.#units.get(unit);
      if (price === undefined) {
        throw invalid(`names ${clip(unit)}, which has no price; it counts ${this.#names()}`);
      }
      const count = given > Number.MAX_SAFE_INTEGER ? undefined : exactCost(given);
      if (count === undefined) {
        throw invalid(`must count ${clip(unit)} by a number from 0 to 2^53 - 1`);
      }
      for (const [currency, million] of price) {
        const part = million.times(PER_UNIT).times(count);
        cost.set(currency, part.plus(cost.get(currency) ?? 0));
      }
    }
    return new Map([...cost].map(([unit, sum]) => [unit, sum.round(DECIMALS, Big.roundUp)]));
  }

  #names(): string {
    return [...this.#units.keys()].join(", ") || "nothing";
  }
}

/** @throws LocalError `MISUSE` for an invalid price */
export function compilePrices(
  models: Readonly<Record<string, PriceTable>>,
): ReadonlyMap<string, Prices> {
  return new Map(Object.entries(models).map(([id, table]) => [id, new Prices(id, table)]));
}

function noPrice(model: string, given: unknown): LocalError {
  return new LocalError(
    "MISUSE",
    `${quoted(given)} is not a price of ${clip(model)}: per million of each unit, such as {"input":{"USD":"2.50"}}`,
  );
}

function invalid(problem: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", `the usage ${problem}`);
}
