import type { Step } from "../test-agents/step.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { stepValue } from "./script-outcome.ts";

/** Reports a cost. */
export const spend = (value: number, unit = "EUR"): Step => ({
  do: "metric",
  name: "cost.x",
  value,
  unit,
});

/** Reads the counters. */
export const left = (as: string): Step => ({ do: "budget", as });

/** An operation, which is refused if a budget is used up. */
export const call = (as: string): Step => ({ do: "tool", name: "conformance.echo", as });

/** The values that a `budget` step returned, as numbers. */
export function counted(
  all: readonly StreamEnvelope[],
  as: string,
  which: "remaining" | "available",
) {
  const value = stepValue(all, as) as Record<typeof which, Record<string, string>>;
  const amounts = Object.entries(value[which]);
  return Object.fromEntries(amounts.map(([currency, amount]) => [currency, Number(amount)]));
}
