import Big from "big.js";

/** The part of the initial amount after which another notice is due (R-9.6-10). */
const NOTICE_STEP = "0.05";

const ZERO = new Big(0);

/**
 * One currency of one budget: what remains, and how much of that is set aside for open reservations and for the budgets below. Each
 * counter keeps its claim on the counter above up to date, so that no operation has to visit all descendants.
 */
export class Counter {
  readonly #step: Big;
  #remaining: Big;
  #setAside = ZERO;
  /** The amount in the last notice; undefined before the first. */
  #said: Big | undefined;
  #above: Counter | undefined;
  /** The amount set aside for this counter at the one above. */
  #claim = ZERO;

  /**
   * @param remaining what is left of the initial amount, if some of it was spent before
   * @param above the counter of the budget that grants it
   */
  constructor(initial: Big, remaining: Big, above: Counter | undefined) {
    this.#step = initial.times(NOTICE_STEP);
    this.#remaining = remaining;
    // What an earlier attempt spent must be reported again, because it is unknown whether it was.
    this.#said = remaining.eq(initial) ? undefined : initial;
    this.#above = above;
    this.#claimAbove();
  }

  get remaining(): Big {
    return this.#remaining;
  }

  get setAside(): Big {
    return this.#setAside;
  }

  get available(): Big {
    return this.#remaining.minus(this.#setAside);
  }

  /** The amount set aside for this counter at the one above. */
  get claim(): Big {
    return this.#claim;
  }

  /** Whether the amount has changed since the last notice. */
  get isUnsaid(): boolean {
    return this.#said !== undefined && !this.#said.eq(this.#remaining);
  }

  /** Records that a notice is being given. @returns what remains, as exact decimal text */
  say(): string {
    this.#said = this.#remaining;
    return this.#remaining.toFixed();
  }

  /**
   * Deducts a cost. @returns whether a notice is due: the first time, a whole step after the last one, and when zero is reached
   * (R-9.6-10)
   */
  deduct(amount: Big): boolean {
    const before = this.#remaining;
    this.#remaining = before.minus(amount);
    this.#claimAbove();
    if (this.#said === undefined) return true;
    const isStep = this.#said.minus(this.#remaining).gte(this.#step);
    return isStep || (before.gt(0) && this.#remaining.lte(0));
  }

  /** @param amount negative for what is given back */
  setMoreAside(amount: Big): void {
    this.#setAside = this.#setAside.plus(amount);
    this.#claimAbove();
  }

  /** Closes the counter: nothing is set aside for it any more. */
  close(): void {
    const above = this.#above;
    this.#above = undefined;
    above?.setMoreAside(this.#claim.neg());
    this.#claim = ZERO;
  }

  /**
   * Updates the claim on the counter above, which is what may still be spent there. Amounts set aside here stay claimed even if
   * more was spent than they were to come from.
   */
  #claimAbove(): void {
    if (this.#above === undefined) return;
    const claim = this.#remaining.gt(this.#setAside) ? this.#remaining : this.#setAside;
    const more = claim.minus(this.#claim);
    if (more.eq(0)) return;
    this.#claim = claim;
    this.#above.setMoreAside(more);
  }
}
