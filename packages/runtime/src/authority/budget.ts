import Big from "big.js";
import { type ExactNumber, exactNumber, parseAmount } from "./amount.ts";
import { clip } from "./clip.ts";

/** Initial amounts by currency, or what is wrong with an entry of `cost.budget`. */
export type GrantOutcome =
  | { readonly ok: true; readonly grant: ReadonlyMap<string, Big> }
  | { readonly ok: false; readonly problem: string };

/** Adds up the entries of `cost.budget`, each currency for itself (R-9.6-1, R-9.6-2). */
export function compileGrant(entries: readonly string[]): GrantOutcome {
  const grant = new Map<string, Big>();
  for (const entry of entries) {
    const amount = parseAmount(entry);
    if (amount === undefined) {
      const quoted = JSON.stringify(clip(entry));
      return { ok: false, problem: `entry ${quoted} is not an amount such as "USD:2.50"` };
    }
    const { currency, value } = amount;
    grant.set(currency, value.plus(grant.get(currency) ?? 0));
  }
  return { ok: true, grant };
}

/** Whether a metric of this name is a cost, rather than the runtime's word on what remains (R-9.6-3). */
export function isCostMetric(name: string): boolean {
  return name.startsWith("cost.") && !name.startsWith("cost.budget.");
}

/** What a `cost.budget.remaining` says: exact decimal text, maybe negative. */
export interface Remainder {
  readonly currency: string;
  readonly remaining: string;
}

/** A charge is recorded, and `notice` is then due on the stream behind its metric; or it is refused. */
export type ChargeOutcome =
  | { readonly ok: true; readonly notice: Remainder | undefined }
  | { readonly ok: false; readonly problem: string };

/** The part of the initial amount by which a counter moves before it is worth another notice (R-9.6-10). */
const NOTICE_STEP = "0.05";

interface Counter {
  readonly step: Big;
  remaining: Big;
  /** What the last notice said; undefined before the first. */
  said: Big | undefined;
}

/** What a job may still spend: one counter per currency of its grant, in exact decimals. */
export class Budget {
  readonly #counters = new Map<string, Counter>();

  /** @param left what remains of the grant, as exact decimal text by currency, when some of it was spent before */
  constructor(grant: ReadonlyMap<string, Big>, left: Readonly<Record<string, string>> = {}) {
    const known = new Map(Object.entries(left));
    for (const [currency, initial] of grant) {
      const remaining = new Big(known.get(currency) ?? initial);
      // What was spent before is due on the stream once more: nobody knows whether it was said.
      const said = remaining.eq(initial) ? undefined : initial;
      this.#counters.set(currency, { step: initial.times(NOTICE_STEP), remaining, said });
    }
  }

  /**
   * Records what a cost metric says. The counter may go below zero (R-9.6-5); a currency without one is not counted.
   *
   * @param currency the metric's unit
   * @param value refused unless it is a finite number of zero or more (R-9.6-4)
   */
  charge(currency: string | undefined, value: unknown): ChargeOutcome {
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      return { ok: false, problem: "a cost must be a finite number of zero or more" };
    }
    const counter = currency === undefined ? undefined : this.#counters.get(currency);
    if (currency === undefined || counter === undefined || value === 0) {
      return { ok: true, notice: undefined };
    }
    const before = counter.remaining;
    // Through the shortest decimal text of the double (R-5.2-5).
    counter.remaining = before.minus(String(value));
    return {
      ok: true,
      notice: isWorthSaying(counter, before) ? say(currency, counter) : undefined,
    };
  }

  /** What remains of a currency that is used up, so that every operation has to fail (R-9.6-6). */
  exhausted(): Remainder | undefined {
    for (const [currency, { remaining }] of this.#counters) {
      if (remaining.lte(0)) return { currency, remaining: remaining.toFixed() };
    }
    return undefined;
  }

  /** What remains, as exact decimal text by currency. */
  remaining(): ReadonlyMap<string, string> {
    return new Map([...this.#counters].map(([currency, c]) => [currency, c.remaining.toFixed()]));
  }

  /** What remains, as the `budget` of an acceptance: `JSON.stringify` writes numbers with exactly those digits. */
  toJSON(): Record<string, ExactNumber> {
    return Object.fromEntries([...this.remaining()].map(([k, text]) => [k, exactNumber(text)]));
  }

  /** The notices still due before the job's terminal, so that the last of each currency is final (R-9.6-11). */
  unsaid(): readonly Remainder[] {
    return [...this.#counters]
      .filter(([, { said, remaining }]) => said !== undefined && !said.eq(remaining))
      .map(([currency, counter]) => say(currency, counter));
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
