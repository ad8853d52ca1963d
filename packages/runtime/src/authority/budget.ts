import Big from "big.js";
import { type ExactNumber, exactNumbers } from "../exact-number.ts";
import { Counter } from "./counter.ts";
import type { Money } from "./money.ts";
import { Reservation } from "./reservation.ts";

/** The content of a `cost.budget.remaining` metric: exact decimal text, possibly negative. */
export interface Remainder {
  readonly currency: string;
  readonly remaining: string;
}

/** Is notified of changes to its budget. */
export interface BudgetHolder {
  /** A counter has changed. */
  changed(): void;
  /** A counter has changed enough for a notice (R-9.6-10). */
  say(remainder: Remainder): void;
}

export interface BudgetOptions {
  /** What remains of the grant if some of it was spent before, as exact decimal text by currency. */
  readonly left?: Readonly<Record<string, string>> | undefined;
  readonly holder?: BudgetHolder;
}

/** Why an amount cannot be reserved. */
export interface Shortfall {
  readonly ok: false;
  readonly currency: string;
  /** Exact decimal text; undefined if the currency is not budgeted at all. */
  readonly available: string | undefined;
}

const SILENT: BudgetHolder = { changed() {}, say() {} };
const ZERO = new Big(0);
const NO_AMOUNTS: ReadonlyMap<string, string> = new Map();

/**
 * What a job may still spend, in exact decimals, with one counter per currency of its grant. Two figures: what *remains* is the
 * grant less all that the job and its descendants have spent, and operations are checked against it. What is *available* is what
 * remains less open reservations and less, for each live child, its unspent grant or what it has reserved itself, whichever is
 * more.
 */
export class Budget {
  readonly #counters = new Map<string, Counter>();
  readonly #holder: BudgetHolder;
  readonly #parent: Budget | undefined;
  /** Allocated with the first: most budgets have none. */
  #reservations: Set<Reservation> | undefined;
  #closed = false;

  constructor(grant: Money, { left = {}, holder = SILENT }: BudgetOptions = {}, parent?: Budget) {
    this.#holder = holder;
    this.#parent = parent;
    const known = new Map(Object.entries(left));
    for (const [currency, initial] of grant) {
      const remaining = new Big(known.get(currency) ?? initial);
      const above = parent === undefined ? undefined : parent.#counters.get(currency);
      this.#counters.set(currency, new Counter(initial, remaining, above));
    }
  }

  /**
   * Records a cost here and at every ancestor that budgets the currency (R-9.6-8). A counter may go below zero (R-9.6-5); a
   * currency without a counter is ignored. A cost incurred after the job's end is charged to those ancestors that still run.
   */
  spend(currency: string | undefined, amount: Big): void {
    if (currency === undefined || amount.lte(0)) return;
    for (const budget of this.#lineage()) if (!budget.#closed) budget.#deduct(currency, amount);
  }

  /** The first exhausted currency here or at an ancestor, in which case every operation must fail (R-9.6-6). */
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
   * The effective limits, as exact decimal text by currency: the least that remains here and at the ancestors, including currencies
   * that only an ancestor budgets (R-9.6-8).
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

  /** What can still be reserved or granted, as exact decimal text by currency; negative if more was spent. */
  available(): ReadonlyMap<string, string> {
    return new Map([...this.#counters].map(([currency, c]) => [currency, c.available.toFixed()]));
  }

  /** What remains, as the `budget` of an acceptance. */
  toJSON(): Record<string, ExactNumber> {
    return exactNumbers(this.remaining());
  }

  /** The notices still due before the terminal record, so that the last one per currency is final (R-9.6-11). */
  unsaid(): readonly Remainder[] {
    return [...this.#counters]
      .filter(([, counter]) => counter.isUnsaid)
      .map(([currency, counter]) => ({ currency, remaining: counter.say() }));
  }

  /**
   * Reserves amounts before they are spent, all of them or none (R-9.6-13). A currency that neither the job nor an ancestor budgets
   * needs no reservation.
   */
  reserve(amounts: Money): { readonly ok: true; readonly reservation: Reservation } | Shortfall {
    const shortfall = this.#shortfall(amounts);
    if (shortfall !== undefined) return shortfall;
    const reservation = new Reservation(
      amounts,
      (currency, amount) => this.#nearest(currency)?.setMoreAside(amount),
      () => this.#reservations?.delete(reservation),
    );
    this.#reservations ??= new Set();
    this.#reservations.add(reservation);
    return { ok: true, reservation };
  }

  /** Opens the budget of a child, whose grant is set aside here until it is closed (R-9.4-4). */
  delegate(
    grant: Money,
    options: BudgetOptions = {},
  ): { readonly ok: true; readonly child: Budget } | Shortfall {
    for (const currency of grant.keys()) {
      if (!this.#counters.has(currency)) return { ok: false, currency, available: undefined };
    }
    const shortfall = this.#shortfall(grant);
    if (shortfall !== undefined) return shortfall;
    return { ok: true, child: new Budget(grant, options, this) };
  }

  /** Closes the budget of a job that has ended: releases its reservations, and returns what it did not spend to its parent. */
  close(): void {
    this.#closed = true;
    for (const reservation of [...(this.#reservations ?? [])]) reservation.release();
    for (const counter of this.#counters.values()) counter.close();
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

  /** The first amount that exceeds what is available here or at an ancestor. */
  #shortfall(amounts: Money): Shortfall | undefined {
    for (const [currency, amount] of amounts) {
      let below: Counter | undefined;
      // Amounts set aside below also count above: an ancestor that overspent may have less left than it has granted.
      let setAside = ZERO;
      for (const budget of this.#lineage()) {
        const counter = budget.#counters.get(currency);
        if (counter === undefined) continue;
        setAside = setAside.plus(counter.setAside).minus(below?.claim ?? ZERO);
        const room = counter.remaining.minus(setAside);
        if (room.lt(amount)) return { ok: false, currency, available: room.toFixed() };
        below = counter;
      }
    }
    return undefined;
  }

  #deduct(currency: string, amount: Big): void {
    const counter = this.#counters.get(currency);
    if (counter === undefined) return;
    const isWorthSaying = counter.deduct(amount);
    this.#holder.changed();
    if (isWorthSaying) this.#holder.say({ currency, remaining: counter.say() });
  }
}
