import { ArcpError } from "@arcp/core";
import { exactNumber } from "../authority/amount.ts";
import { Budget, type BudgetOptions, type Remainder } from "../authority/budget.ts";
import type { Grant } from "../authority/grant.ts";

/**
 * The budget of a job: one of its own, or one that is set aside from its parent's.
 * @throws ArcpError `LEASE_SUBSET_VIOLATION` when it does not fit into what the parent has available (R-9.4-4)
 */
export function openBudget(
  grant: Grant,
  options: BudgetOptions,
  parent: Budget | undefined,
): Budget {
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

/** How the stream tells what remains (R-9.6-9). */
export function remainderMetric({ currency, remaining }: Remainder): object {
  return { name: "cost.budget.remaining", value: exactNumber(remaining), unit: currency };
}
