import Big from "big.js";
import type { Amounts } from "./program.ts";

/** Whether a job takes costs; `maybe` from a cancel on until its end is durable: nothing tells when in between it has ended. */
export type Standing = "open" | "maybe" | "over";

/** One of those whose budgets a cost may be taken from. */
export interface Payer {
  readonly job: string;
  readonly standing: Standing;
  /** What its runtime says that remains, by currency. */
  readonly remaining: Amounts;
}

/** What becomes of all money, as those who spend it know it: each cost is charged once, and to whom it has to be. */
export class Ledger {
  /** What was spent and not told, by process, job and currency. */
  readonly #untold = new Map<string, Big>();
  /** What has to remain, by job of this process and currency. */
  readonly #left = new Map<string, Map<string, Big>>();

  /** A job begins, with what remains of its budget. */
  begin(job: string, remaining: Amounts): void {
    const counters = Object.entries(remaining).map(([unit, n]) => [unit, new Big(n)] as const);
    this.#left.set(job, new Map(counters));
  }

  /** What becomes of it from now on is another process's. */
  forget(job: string): void {
    this.#left.delete(job);
  }

  /** What has to remain; undefined where nobody knows. */
  left(job: string, unit: string): Big | undefined {
    return this.#left.get(job)?.get(unit);
  }

  /** Somebody spends something. */
  spend(generation: number, job: string, amounts: Amounts): void {
    for (const [unit, amount] of Object.entries(amounts)) {
      this.#tally(generation, job, unit, new Big(amount));
    }
  }

  /** The runtime has told that a job spent something. */
  tell(generation: number, job: string, unit: string, amount: string): void {
    this.#tally(generation, job, unit, new Big(amount).neg());
  }

  /** A cost was told in this very turn. @returns those who were charged otherwise than they have to be */
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

  /** What was spent and not told; below zero what was told and not spent. */
  untold(): string[] {
    const untold = [...this.#untold].filter(([, amount]) => !amount.eq(0));
    return untold.map(([what, amount]) => `${what}: ${amount}`);
  }

  #tally(generation: number, job: string, unit: string, amount: Big): void {
    const key = `process ${generation}, ${job}, ${unit}`;
    this.#untold.set(key, (this.#untold.get(key) ?? new Big(0)).plus(amount));
  }
}
