import Big from "big.js";
import { type ExactNumber, exactNumbers } from "../exact-number.ts";
import type { Grant } from "./grant.ts";

/** What a `cost.budget.remaining` says: exact decimal text, maybe negative. */
export interface Remainder {
  readonly currency: string;
  readonly remaining: string;
}

/** Who holds a budget is told of what happens to it. */
export interface BudgetHolder {
  /** A counter has moved. */
  changed(): void;
  /** It has moved far enough to be said (R-9.6-10). */
  say(remainder: Remainder): void;
}

export interface BudgetOptions {
  /** What remains of the grant, as exact decimal text by currency, when some of it was spent before. */
  readonly left?: Readonly<Record<string, string>> | undefined;
  readonly holder?: BudgetHolder;
}

/** Why an amount cannot be set aside. */
export interface Shortfall {
  readonly ok: false;
  readonly currency: string;
  /** Exact decimal text; undefined when the currency is not budgeted at all. */
  readonly available: string | undefined;
}

/** The part of the initial amount by which a counter moves before it is worth another notice (R-9.6-10). */
const NOTICE_STEP = "0.05";

interface Counter {
  readonly step: Big;
  remaining: Big;
  /** In open reservations. */
  reserved: Big;
  /** What the last notice said; undefined before the first. */
  said: Big | undefined;
}

const SILENT: BudgetHolder = { changed() {}, say() {} };
const ZERO = new Big(0);
const NO_AMOUNTS: ReadonlyMap<string, string> = new Map();

/**
 * What a job may still spend, in exact decimals, one counter per currency of its grant. Two figures: what *remains* is the
 * grant less all that the job and its descendants have spent, and operations are checked against it; what is *available* is
 * what remains less what is set aside for open reservations and for the unspent grants of live children, or what those
 * have set aside themselves where that is more.
 */
export class Budget {
  readonly #counters = new Map<string, Counter>();
  readonly #holder: BudgetHolder;
  readonly #parent: Budget | undefined;
  /** Made with the first, like the reservations: most budgets see neither. */
  #children: Set<Budget> | undefined;
  #reservations: Set<Reservation> | undefined;
  #closed = false;

  constructor(grant: Grant, { left = {}, holder = SILENT }: BudgetOptions = {}, parent?: Budget) {
    this.#holder = holder;
    this.#parent = parent;
    const known = new Map(Object.entries(left));
    for (const [currency, initial] of grant) {
      const remaining = new Big(known.get(currency) ?? initial);
      // What was spent before is due on the stream once more: nobody knows whether it was said.
      const said = remaining.eq(initial) ? undefined : initial;
      const step = initial.times(NOTICE_STEP);
      this.#counters.set(currency, { step, remaining, reserved: ZERO, said });
    }
  }

  /**
   * Records a cost, here and with every ancestor that budgets the currency (R-9.6-8). A counter may go below zero
   * (R-9.6-5); a currency without one is not counted. What comes about after a job's end is a cost of those above it that go on.
   */
  spend(currency: string | undefined, amount: Big): void {
    if (currency === undefined || amount.lte(0)) return;
    for (const budget of this.#lineage()) if (!budget.#closed) budget.#deduct(currency, amount);
  }

  /** What remains of a currency that is used up, here or with an ancestor: then every operation has to fail (R-9.6-6). */
  exhausted(): Remainder | undefined {
    for (const budget of this.#lineage()) {
      for (const [currency, { remaining }] of budget.#counters) {
        if (remaining.lte(0)) return { currency, remaining: remaining.toFixed() };
      }
    }
    return undefined;
  }

  /** What remains, as exact decimal text by currency. */
  remaining(): ReadonlyMap<string, string> {
    if (this.#counters.size === 0) return NO_AMOUNTS;
    return new Map([...this.#counters].map(([currency, c]) => [currency, c.remaining.toFixed()]));
  }

  /**
   * What it is bound by, as exact decimal text by currency: the least that remains here and above, also of a currency that only
   * an ancestor budgets (R-9.6-8).
   */
  bounds(): ReadonlyMap<string, string> {
    const least = new Map<string, Big>();
    for (const budget of this.#lineage()) {
      for (const [currency, { remaining }] of budget.#counters) {
        if (!least.get(currency)?.lte(remaining)) least.set(currency, remaining);
      }
    }
    return new Map([...least].map(([currency, amount]) => [currency, amount.toFixed()]));
  }

  /** What can still be reserved or granted, as exact decimal text by currency; below zero when more was spent. */
  available(): ReadonlyMap<string, string> {
    const currencies = [...this.#counters.keys()];
    return new Map(currencies.map((currency) => [currency, this.#room(currency).toFixed()]));
  }

  /** What remains, as the `budget` of an acceptance. */
  toJSON(): Record<string, ExactNumber> {
    return exactNumbers(this.remaining());
  }

  /** The notices still due before the job's terminal, so that the last of each currency is final (R-9.6-11). */
  unsaid(): readonly Remainder[] {
    return [...this.#counters]
      .filter(([, { said, remaining }]) => said !== undefined && !said.eq(remaining))
      .map(([currency, counter]) => say(currency, counter));
  }

  /**
   * Sets amounts aside before they are spent, all of them or none (R-9.6-13). A currency that neither the job nor an
   * ancestor budgets needs no setting aside.
   */
  reserve(amounts: Grant): { readonly ok: true; readonly reservation: Reservation } | Shortfall {
    const shortfall = this.#shortfall(amounts);
    if (shortfall !== undefined) return shortfall;
    const held: Array<{ counter: Counter; amount: Big }> = [];
    for (const [currency, amount] of amounts) {
      const counter = this.#nearest(currency);
      if (counter === undefined) continue;
      counter.reserved = counter.reserved.plus(amount);
      held.push({ counter, amount });
    }
    const reservation = new Reservation(() => {
      for (const { counter, amount } of held) counter.reserved = counter.reserved.minus(amount);
      this.#reservations?.delete(reservation);
    });
    this.#reservations ??= new Set();
    this.#reservations.add(reservation);
    return { ok: true, reservation };
  }

  /** The budget of a child, whose grant is set aside here until it is closed (R-9.4-4). */
  delegate(
    grant: Grant,
    options: BudgetOptions = {},
  ): { readonly ok: true; readonly child: Budget } | Shortfall {
    for (const currency of grant.keys()) {
      if (!this.#counters.has(currency)) return { ok: false, currency, available: undefined };
    }
    const shortfall = this.#shortfall(grant);
    if (shortfall !== undefined) return shortfall;
    const child = new Budget(grant, options, this);
    this.#children ??= new Set();
    this.#children.add(child);
    return { ok: true, child };
  }

  /** The job has ended: its reservations are released, and what it did not spend is its parent's again. */
  close(): void {
    this.#closed = true;
    for (const reservation of [...(this.#reservations ?? [])]) reservation.release();
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
  }

  *#lineage(): Generator<Budget> {
    for (let budget: Budget | undefined = this; budget !== undefined; budget = budget.#parent) {
      yield budget;
    }
  }

  #nearest(currency: string): Counter | undefined {
    for (const budget of this.#lineage()) {
      const counter = budget.#counters.get(currency);
      if (counter !== undefined) return counter;
    }
    return undefined;
  }

  /** The first amount that does not fit into what is available here and with each ancestor. */
  #shortfall(amounts: Grant): Shortfall | undefined {
    for (const [currency, amount] of amounts) {
      let below: Budget | undefined;
      // What is set aside below counts above too: an ancestor that overspent has less left than it has granted.
      let setAside = ZERO;
      for (const budget of this.#lineage()) {
        const remaining = budget.#counters.get(currency)?.remaining;
        setAside = setAside.plus(budget.#setAside(currency, below));
        const room = remaining?.minus(setAside);
        if (room?.lt(amount)) return { ok: false, currency, available: room.toFixed() };
        below = budget;
      }
    }
    return undefined;
  }

  /** What is available of a currency. */
  #room(currency: string): Big {
    return (this.#counters.get(currency)?.remaining ?? ZERO).minus(this.#setAside(currency));
  }

  /** What of a currency is set aside, not counting the grant of one child. */
  #setAside(currency: string, but?: Budget): Big {
    let sum = this.#counters.get(currency)?.reserved ?? ZERO;
    for (const child of this.#children ?? []) {
      if (child !== but) sum = sum.plus(child.#claim(currency));
    }
    return sum;
  }

  /** What a child may still cost its parent: a promise of its own holds, though it has spent what it was to come from. */
  #claim(currency: string): Big {
    const unspent = this.#counters.get(currency)?.remaining;
    if (unspent === undefined) return ZERO;
    const promised = this.#setAside(currency);
    return unspent.gt(promised) ? unspent : promised;
  }

  #deduct(currency: string, amount: Big): void {
    const counter = this.#counters.get(currency);
    if (counter === undefined) return;
    const before = counter.remaining;
    counter.remaining = before.minus(amount);
    this.#holder.changed();
    if (isWorthSaying(counter, before)) this.#holder.say(say(currency, counter));
  }
}

/** Amounts that are set aside until they are released. */
export class Reservation {
  #release: (() => void) | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

/** The first decrement, a change of a whole step since the last notice, and reaching zero (R-9.6-10). */
function isWorthSaying({ said, step, remaining }: Counter, before: Big): boolean {
  if (said === undefined) return true;
  return said.minus(remaining).gte(step) || (before.gt(0) && remaining.lte(0));
}

function say(currency: string, counter: Counter): Remainder {
  counter.said = counter.remaining;
  return { currency, remaining: counter.remaining.toFixed() };
}
