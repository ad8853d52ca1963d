import { parseAgentReference } from "@arcp/core";
import type { AgentRegistry } from "@arcp/runtime";
import type { LoadedAgent } from "./agent-modules.ts";

/** What a reload changed: references of agents that are new, and of those that are gone. */
export interface OfferChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Makes a registry offer these agents and no others. If there are several versions, a bare name means the highest one, unless there
 * is an agent without a version.
 */
export function offer(
  registry: AgentRegistry,
  agents: readonly LoadedAgent[],
  before: readonly LoadedAgent[] = [],
): OfferChange {
  const now = new Set(agents.map(({ reference }) => reference));
  const then = new Set(before.map(({ reference }) => reference));
  const removed = [...then].filter((reference) => !now.has(reference));
  for (const reference of removed) {
    const gone = parseAgentReference(reference);
    if (gone !== undefined) registry.remove(gone);
  }
  for (const { agent } of agents) registry.register(agent);
  for (const { name, versions } of registry.inventory()) {
    const [highest] = versions.toSorted(higherFirst);
    if (highest !== undefined && !now.has(name)) registry.setDefault(name, highest);
  }
  return { added: [...now].filter((reference) => !then.has(reference)), removed };
}

const numeric = new Intl.Collator("en", { numeric: true });

/** `2.0.0` before `2.0.0-rc.1` before `1.10.0` before `1.9.0`. */
function higherFirst(one: string, other: string): number {
  const [release, stage] = parts(one);
  const [otherRelease, otherStage] = parts(other);
  const unstaged = Number(stage !== "") - Number(otherStage !== "");
  return numeric.compare(otherRelease, release) || unstaged || numeric.compare(otherStage, stage);
}

function parts(version: string): [release: string, stage: string] {
  const [release = "", ...stage] = version.split("-");
  return [release, stage.join("-")];
}
