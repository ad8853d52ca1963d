import type { Scenario } from "./scenario.ts";
import { client } from "./scenario-client.ts";
import { events } from "./scenario-events.ts";
import { latency } from "./scenario-latency.ts";

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [events, latency, client];

/** @throws Error that names the known ones */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.name).join(", ");
  throw new Error(`there is no scenario ${name}; there are: ${known}`);
}
