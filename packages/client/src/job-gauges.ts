import type { EventBody } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/** How far a job is: `current`, and `total`, `units` and `message` where its agent says so. */
export type Progress = EventBody<"progress">;

/** The latest values of what a job tells again and again. */
export class JobGauges {
  #progress: Progress | undefined;
  readonly #budget = new Map<string, number>();

  get progress(): Progress | undefined {
    return this.#progress;
  }

  get budget(): ReadonlyMap<string, number> {
    return this.#budget;
  }

  /** What a reply says: of an acceptance the initial amounts, which events may have overtaken. */
  begin(budget: Readonly<Record<string, number>> = {}): void {
    for (const [currency, amount] of Object.entries(budget)) {
      if (!this.#budget.has(currency)) this.#budget.set(currency, amount);
    }
  }

  /** What a later reply says, of this moment. */
  renew(budget: Readonly<Record<string, number>> = {}): void {
    for (const [currency, amount] of Object.entries(budget)) this.#budget.set(currency, amount);
  }

  take(event: JobEvent): void {
    if (event.kind === "progress") this.#progress = event.body;
    if (event.kind !== "metric") return;
    const { name, value, unit } = event.body;
    if (name === "cost.budget.remaining" && unit !== undefined) this.#budget.set(unit, value);
  }
}
