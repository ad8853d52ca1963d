import type { EventBody } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/** How far a job has got: `current`, and `total`, `units` and `message` if the agent reports them. */
export type Progress = EventBody<"progress">;

/** How many currencies are kept: more than exist. */
const MOST = 1_000;

/** The latest values that a job reports repeatedly, whichever way and in whatever order its events arrive. */
export class JobGauges {
  #progress: Progress | undefined;
  readonly #budget = new Map<string, number>();
  /** The `job_seq` of the event that each gauge shows. */
  readonly #shown = new Map<string, number>();

  get progress(): Progress | undefined {
    return this.#progress;
  }

  get budget(): ReadonlyMap<string, number> {
    return this.#budget;
  }

  /** Takes the initial amounts of an acceptance, unless events have already overtaken them. */
  begin(budget: Readonly<Record<string, number>> = {}): void {
    for (const [currency, amount] of Object.entries(budget)) {
      if (!this.#budget.has(currency)) this.#budget.set(currency, amount);
    }
  }

  /**
   * Takes the amounts of a later reply, which are current: a replay that follows it reports older ones.
   * @param last the `job_seq` of the last event before it
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

  /** Events that are read again, or are older than the one shown, change nothing. Events without a number come in order. */
  #isNewer(gauge: string, { jobSeq }: JobEvent): boolean {
    if (jobSeq === undefined) return true;
    if (jobSeq <= (this.#shown.get(gauge) ?? 0)) return false;
    this.#shown.set(gauge, jobSeq);
    return true;
  }
}
