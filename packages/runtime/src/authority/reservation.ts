import type Big from "big.js";
import type { Money } from "./money.ts";

/** Amounts that are set aside until they are spent or released. */
export class Reservation implements Disposable {
  readonly #rest = new Map<string, Big>();
  readonly #setMoreAside: (currency: string, amount: Big) => void;
  readonly #over: () => void;
  #isOver = false;

  /**
   * @param setMoreAside takes a negative amount for what is given back
   * @param over called on release
   */
  constructor(
    amounts: Money,
    setMoreAside: (currency: string, amount: Big) => void,
    over: () => void,
  ) {
    this.#setMoreAside = setMoreAside;
    this.#over = over;
    for (const [currency, amount] of amounts) {
      if (amount.lte(0)) continue;
      this.#rest.set(currency, amount);
      setMoreAside(currency, amount);
    }
  }

  /** What was not spent of it, even after its release. */
  get rest(): Money {
    return this.#rest;
  }

  /** Records costs paid from the reservation, which may be part of it, all of it, or more. That part is no longer set aside. */
  spent(costs: Money): void {
    for (const [currency, cost] of costs) {
      const held = this.#rest.get(currency);
      if (held === undefined) continue;
      const part = cost.lt(held) ? cost : held;
      if (part.lt(held)) this.#rest.set(currency, held.minus(part));
      else this.#rest.delete(currency);
      if (!this.#isOver) this.#setMoreAside(currency, part.neg());
    }
  }

  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const [currency, amount] of this.#rest) this.#setMoreAside(currency, amount.neg());
    this.#over();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
