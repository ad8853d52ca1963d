import { type AnyAgent, defineAgent } from "@arcp/runtime";
import type { Namespace } from "./module-import.ts";

/**
 * The agents among what a module exports, also in arrays: first the default export, then the others by name; one that is exported
 * twice comes twice. They are known by what they have, since their module may have `defineAgent` from another copy of the runtime than this one.
 *
 * @throws LocalError `MISUSE` for what has all of an agent but a valid definition
 */
export function exportedAgents({ default: first, ...named }: Namespace): AnyAgent[] {
  const agents = [first, ...Object.values(named)].flat().filter(isAgent);
  for (const agent of agents) defineAgent(agent);
  return agents;
}

function isAgent(value: unknown): value is AnyAgent {
  if (typeof value !== "object" || value === null) return false;
  return "name" in value && typeof value.name === "string" && isRunnable(value);
}

function isRunnable(value: object): boolean {
  return "run" in value && typeof value.run === "function";
}
