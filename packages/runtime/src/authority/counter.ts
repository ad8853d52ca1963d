import Big from "big.js";

/** The part of the initial amount by which a counter moves before it is worth another notice (R-9.6-10). */
const NOTICE_STEP = "0.05";

const ZERO = new Big(0);

/**
 * One currency of one budget: what remains of it, and what of that is set aside, in open reservations and for the budgets below.
 * Each keeps with the counter above what it may still cost there, so that no operation has to ask all of them.
 */
export class Counter {
  readonly #step: Big;
  #remaining: Big;
  #setAside = ZERO;
  /** What the last notice said; undefined before the first. */
  #said: Big | undefined;
  #above: Counter | undefined;
  /** What of it is set aside above. */
  #claim = ZERO;

  /**
   * @param remaining what is left of the initial amount, when some of it was spent before
   * @param above that of the budget which grants it
   */
  constructor(initial: Big, remaining: Big, above: Counter | undefined) {
    this.#step = initial.times(NOTICE_STEP);
    this.#remaining = remaining;
    // What was spent before is due on the stream once more: nobody knows whether it was said.
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

  /** What is set aside above for this one. */
  get claim(): Big {
    return this.#claim;
  }

  /** Whether something changed since the last notice. */
  get isUnsaid(): boolean {
    return this.#said !== undefined && !this.#said.eq(this.#remaining);
  }

  /** @returns what remains, as the notice has it that is now given: exact decimal text */
  say(): string {
    this.#said = this.#remaining;
    return this.#remaining.toFixed();
  }

  /** @returns whether that is worth a notice: the first time, a whole step behind the last one, and when zero is reached (R-9.6-10) */
  deduct(amount: Big): boolean {
    const before = this.#remaining;
    this.#remaining = before.minus(amount);
    this.#claimAbove();
    if (this.#said === undefined) return true;
    const isStep = this.#said.minus(this.#remaining).gte(this.#step);
    return isStep || (before.gt(0) && this.#remaining.lte(0));
  }

  /** @param amount below zero for what is given back */
  setMoreAside(amount: Big): void {
    this.#setAside = this.#setAside.plus(amount);
    this.#claimAbove();
  }

  /** Its budget is closed: it costs those above nothing more. */
  close(): void {
    const above = this.#above;
    this.#above = undefined;
    above?.setMoreAside(this.#claim.neg());
    this.#claim = ZERO;
  }

  /** What it may still cost there: a promise of its own holds, though it has spent what that was to come from. */
  #claimAbove(): void {
    if (this.#above === undefined) return;
    const claim = this.#remaining.gt(this.#setAside) ? this.#remaining : this.#setAside;
    const more = claim.minus(this.#claim);
    if (more.eq(0)) return;
    this.#claim = claim;
    this.#above.setMoreAside(more);
  }
}
