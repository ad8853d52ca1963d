import Big from "big.js";
import type { Amounts } from "./program.ts";

/** Whether a job takes costs; `maybe` from a cancel until its end is durable: nothing tells when exactly it has ended. */
export type Standing = "open" | "maybe" | "over";

/** One of the budgets that a cost may be charged to. */
export interface Payer {
  readonly job: string;
  readonly standing: Standing;
  /** What its runtime reports as remaining, by currency. */
  readonly remaining: Amounts;
}

/** What becomes of all money, as the spenders know it: each cost is charged once, and to the right budgets. */
export class Ledger {
  /** What was spent but not reported, by process, job and currency. */
  readonly #untold = new Map<string, Big>();
  /** What must remain, by job of this process and currency. */
  readonly #left = new Map<string, Map<string, Big>>();

  /** A job begins, with what remains of its budget. */
  begin(job: string, remaining: Amounts): void {
    const counters = Object.entries(remaining).map(([unit, n]) => [unit, new Big(n)] as const);
    this.#left.set(job, new Map(counters));
  }

  /** From now on it belongs to another process. */
  forget(job: string): void {
    this.#left.delete(job);
  }

  /** What must remain; undefined if nobody knows. */
  left(job: string, unit: string): Big | undefined {
    return this.#left.get(job)?.get(unit);
  }

  /** Somebody spends something. */
  spend(generation: number, job: string, amounts: Amounts): void {
    for (const [unit, amount] of Object.entries(amounts)) {
      this.#tally(generation, job, unit, new Big(amount));
    }
  }

  /** The runtime has reported that a job spent something. */
  tell(generation: number, job: string, unit: string, amount: string): void {
    this.#tally(generation, job, unit, new Big(amount).neg());
  }

  /** A cost was reported in this very turn. @returns those who were charged incorrectly */
  charge(unit: string, amount: string, line: readonly Payer[]): string[] {
    const wrong: string[] = [];
    for (const { job, standing, remaining } of line) {
      const before = this.left(job, unit);
      const after = remaining[unit];
      if (before === undefined || after === undefined) continue;
      const outcomes = { open: [amount], over: ["0"], maybe: [amount, "0"] }[standing];
      if (!outcomes.some((cost) => before.minus(cost).eq(after))) {
        wrong.push(`${job} (${standing}) had ${before}, was charged ${amount}, and has ${after}`);
      }
      this.#left.get(job)?.set(unit, new Big(after));
    }
    return wrong;
  }

  /** What was spent but not reported; below zero what was reported but not spent. */
  untold(): string[] {
    const untold = [...this.#untold].filter(([, amount]) => !amount.eq(0));
    return untold.map(([what, amount]) => `${what}: ${amount}`);
  }

  #tally(generation: number, job: string, unit: string, amount: Big): void {
    const key = `process ${generation}, ${job}, ${unit}`;
    this.#untold.set(key, (this.#untold.get(key) ?? new Big(0)).plus(amount));
  }
}
