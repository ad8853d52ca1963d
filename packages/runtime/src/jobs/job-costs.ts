import { ArcpError } from "@arcp/core";
import type Big from "big.js";
import {
  Budget,
  type BudgetHolder,
  type BudgetOptions,
  type Remainder,
} from "../authority/budget.ts";
import { clip } from "../authority/clip.ts";
import type { Grant } from "../authority/grant.ts";
import type { Secrets } from "../authority/secrets.ts";
import { type ExactNumber, exactNumber } from "../exact-number.ts";
import type { JobObservation } from "../observation.ts";
import type { JobEvents } from "./job-events.ts";
import type { JobLog } from "./job-log.ts";

export interface JobCostsOptions {
  readonly grant: Grant;
  /** What remains of the grant, as exact decimal text by currency, when an earlier attempt spent some of it. */
  readonly left: Readonly<Record<string, string>> | undefined;
  /** The budget of the job that delegated it. */
  readonly parent: Budget | undefined;
  readonly events: JobEvents;
  readonly log: JobLog;
  /** What an observer must not be told, whoever says it. */
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
}

/** The body of a metric that is a cost. */
export interface CostMetric {
  readonly name: string;
  readonly value: number | ExactNumber;
  readonly unit?: string | undefined;
  readonly dimensions?: Readonly<Record<string, string>> | undefined;
}

/** What a job spends, as its stream and its entry in the index tell it. */
export class JobCosts implements BudgetHolder {
  readonly budget: Budget;
  /** What remained when it began. */
  readonly #begun: ReadonlyMap<string, string>;
  readonly #events: JobEvents;
  readonly #log: JobLog;
  readonly #secrets: Secrets;
  readonly #observed: JobObservation | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` when the grant does not fit into what the parent has available (R-9.4-4) */
  constructor({ grant, left, parent, events, log, secrets, observed }: JobCostsOptions) {
    this.budget = openBudget(grant, { left, holder: this }, parent);
    this.#begun = this.budget.remaining();
    this.#events = events;
    this.#log = log;
    this.#secrets = secrets;
    this.#observed = observed;
  }

  /** What remains as others may know it: no spending that is not durable is told of (J2). */
  get durableRemaining(): ReadonlyMap<string, string> {
    return this.#log.remaining ?? this.#begun;
  }

  /**
   * Emits a cost and charges it, as one (R-9.6-3). Behind the end the stream says nothing, and those above are charged: a call that was
   * under way when a delegated job ended was not free.
   * @param over as {@link JobEvents.emit} has it
   */
  emit(metric: CostMetric, amount: Big, over = false): Promise<void> {
    // The metric first: should it be refused, nothing was charged.
    const accepted = this.#events.emit("metric", metric, "event", over);
    this.budget.spend(metric.unit, amount);
    if (metric.unit !== undefined) this.#observe(metric.unit, amount);
    return accepted;
  }

  /**
   * Tells costs that came about, a metric each, whatever waits to be written.
   * @param costs by currency
   * @returns when the agent may go on, also where there are none (J4)
   */
  async charge(
    costs: Grant,
    { name, dimensions }: Pick<CostMetric, "name" | "dimensions">,
  ): Promise<void> {
    if (costs.size === 0) return await this.#events.pass();
    const charged = [...costs].map(([unit, amount]) =>
      this.emit({ name, value: exactNumber(amount.toFixed()), unit, dimensions }, amount, true),
    );
    await Promise.all(charged);
  }

  /** The unit may be any text of the agent's. */
  #observe(unit: string, amount: Big): void {
    this.#observed?.spent(clip(this.#secrets.clean(unit)), amount.toFixed());
  }

  /** The job is about to end: what is still due of its budget is said (R-9.6-11). */
  sayRest(): void {
    for (const remainder of this.budget.unsaid()) this.say(remainder);
  }

  /** Says what remains of a budget; runtime only (R-8.2-3, R-9.6-9). */
  say(remainder: Remainder): void {
    void this.#events.emit("metric", remainingMetric(remainder), "budget", true);
  }

  /** What remains is durable no later than the cost that changed it, be it a descendant's. */
  changed(): void {
    this.#log.note("remaining");
  }
}

/** The body of the metric that says what remains. */
export function remainingMetric({ currency, remaining }: Remainder): CostMetric {
  return { name: "cost.budget.remaining", value: exactNumber(remaining), unit: currency };
}

/** A budget of its own, or one that is set aside from the parent's. */
function openBudget(grant: Grant, options: BudgetOptions, parent: Budget | undefined): Budget {
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
