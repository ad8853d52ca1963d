import { ArcpError } from "@arcp/core";
import type Big from "big.js";
import {
  Budget,
  type BudgetHolder,
  type BudgetOptions,
  type Remainder,
} from "../authority/budget.ts";
import { clip } from "../authority/clip.ts";
import type { Money } from "../authority/money.ts";
import type { Secrets } from "../authority/secrets.ts";
import { type ExactNumber, exactNumber } from "../exact-number.ts";
import type { JobObservation } from "../observation.ts";
import type { JobEvents } from "./job-events.ts";
import type { JobLog } from "./job-log.ts";

export interface JobCostsOptions {
  readonly grant: Money;
  /** What an earlier attempt left of the grant, as exact decimal text by currency; undefined if this is the first. */
  readonly left: Readonly<Record<string, string>> | undefined;
  /** The budget of the job that delegated it. */
  readonly parent: Budget | undefined;
  readonly events: JobEvents;
  readonly log: JobLog;
  /** Texts that an observer must not see. */
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
}

/** The body of a cost metric. */
export interface CostMetric {
  readonly name: string;
  readonly value: number | ExactNumber;
  readonly unit?: string | undefined;
  readonly dimensions?: Readonly<Record<string, string>> | undefined;
}

/** The spending of a job, as reported on its stream and in its index entry. */
export class JobCosts implements BudgetHolder {
  readonly budget: Budget;
  /** What remained when the attempt began. */
  readonly #begun: ReadonlyMap<string, string>;
  readonly #events: JobEvents;
  readonly #log: JobLog;
  readonly #secrets: Secrets;
  readonly #observed: JobObservation | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` if the grant exceeds what the parent has available (R-9.4-4) */
  constructor({ grant, left, parent, events, log, secrets, observed }: JobCostsOptions) {
    this.budget = openBudget(grant, { left, holder: this }, parent);
    this.#begun = this.budget.remaining();
    this.#events = events;
    this.#log = log;
    this.#secrets = secrets;
    this.#observed = observed;
  }

  /** What remains, for others to see: excludes spending that is not durable (J2). */
  get durableRemaining(): ReadonlyMap<string, string> {
    return this.#log.remaining ?? this.#begun;
  }

  /**
   * Emits a cost that the agent reports, and charges it in one step (R-9.6-3). After the job's end nothing is emitted, but its
   * ancestors are charged: a call in progress when a delegated job ended still costs money.
   * @throws BackpressureError with nothing charged
   */
  emit(metric: CostMetric, amount: Big): Promise<void> {
    const accepted = this.#events.emit("metric", metric);
    this.#spend(metric.unit, amount);
    return accepted;
  }

  /**
   * Emits costs that were incurred, one metric each, even if the backlog is full.
   * @param costs by currency
   * @returns when the agent may continue, even without any cost (J4)
   */
  async charge(
    costs: Money,
    { name, dimensions }: Pick<CostMetric, "name" | "dimensions">,
  ): Promise<void> {
    if (costs.size === 0) return await this.#events.pass();
    const said = [...costs].map(([unit, amount]) => {
      const metric = { name, value: exactNumber(amount.toFixed()), unit, dimensions };
      const accepted = this.#events.say("metric", metric);
      this.#spend(unit, amount);
      return accepted;
    });
    await Promise.all(said);
  }

  /** Only once the metric was accepted: nothing is charged if it is refused. */
  #spend(unit: string | undefined, amount: Big): void {
    this.budget.spend(unit, amount);
    // The unit may be any text that the agent chose.
    if (unit !== undefined)
      this.#observed?.spent(clip(this.#secrets.clean(unit)), amount.toFixed());
  }

  /** The job is about to end: emits what is due for its budget (R-9.6-11). */
  sayRest(): void {
    for (const remainder of this.budget.unsaid()) this.say(remainder);
  }

  /** Emits what remains of a budget; reserved for the runtime (R-8.2-3, R-9.6-9). */
  say(remainder: Remainder): void {
    void this.#events.say("metric", remainingMetric(remainder), "budget");
  }

  /** Makes what remains durable no later than the cost that changed it, including a descendant's. */
  changed(): void {
    this.#log.note("remaining");
  }
}

/** The body of the metric that reports what remains. */
export function remainingMetric({ currency, remaining }: Remainder): CostMetric {
  return { name: "cost.budget.remaining", value: exactNumber(remaining), unit: currency };
}

/** Opens an independent budget, or one that is set aside from the parent's. */
function openBudget(grant: Money, options: BudgetOptions, parent: Budget | undefined): Budget {
  if (parent === undefined) return new Budget(grant, options);
  const outcome = parent.delegate(grant, options);
  if (outcome.ok) return outcome.child;
  const { currency, available } = outcome;
  throw new ArcpError(
    "LEASE_SUBSET_VIOLATION",
    `lease.cost.budget: ${available ?? "no"} ${currency} are available to be delegated`,
    { details: { currency, ...(available !== undefined && { available }) } },
  );
}
