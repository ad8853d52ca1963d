import type { EventBody } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/** How far a job is: `current`, and `total`, `units` and `message` where its agent says so. */
export type Progress = EventBody<"progress">;

/** The currencies that are kept: more than there are. */
const MOST = 1_000;

/** The latest values of what a job tells again and again, whichever way and in whatever order its events come. */
export class JobGauges {
  #progress: Progress | undefined;
  readonly #budget = new Map<string, number>();
  /** The number in the job of the event that each gauge shows. */
  readonly #shown = new Map<string, number>();

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

  /**
   * What a later reply says, of its moment: a replay that follows it tells of older ones.
   * @param last the number in the job of the last event before it
   */
  renew(budget: Readonly<Record<string, number>> = {}, last = 0): void {
    for (const [currency, amount] of Object.entries(budget)) {
      this.#budget.set(currency, amount);
      this.#shown.set(`budget ${currency}`, last);
    }
  }

  take(event: JobEvent): void {
    if (event.kind === "progress" && this.#isNewer("progress", event)) this.#progress = event.body;
    if (event.kind !== "metric") return;
    const { name, value, unit } = event.body;
    if (name !== "cost.budget.remaining" || unit === undefined) return;
    if (this.#budget.size >= MOST && !this.#budget.has(unit)) return;
    if (this.#isNewer(`budget ${unit}`, event)) this.#budget.set(unit, value);
  }

  /** What is read again, or earlier than what is there already, changes nothing. Events without a number come in order. */
  #isNewer(gauge: string, { jobSeq }: JobEvent): boolean {
    if (jobSeq === undefined) return true;
    if (jobSeq <= (this.#shown.get(gauge) ?? 0)) return false;
    this.#shown.set(gauge, jobSeq);
    return true;
  }
}
