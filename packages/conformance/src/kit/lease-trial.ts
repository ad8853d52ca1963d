import assert from "node:assert/strict";
import type { RequirementId } from "../manifest/manifest.ts";
import type { Step } from "../test-agents/step.ts";
import type { WireClient } from "../wire/wire-client.ts";
import { answersOf } from "./script-outcome.ts";
import type { Site } from "./site.ts";

/** A pattern, targets that it covers, and others. */
export type PatternRow = readonly [
  pattern: string,
  covered: readonly string[],
  others: readonly string[],
];

/** Whether a job may perform an operation: `allowed`, or the code of the refusal. */
async function answers(
  site: Site,
  wire: WireClient,
  lease_request: Record<string, string[]>,
  steps: readonly Step[],
): Promise<string[]> {
  const named = steps.map((step, n) => ({ ...step, as: `${n}` }) as Step);
  const given = answersOf(await site.played(wire, named, { lease_request }));
  return steps.map((_, n) => given[n] ?? "no answer");
}

/** Checks for each pattern, in a lease of its own, that it covers what it should and nothing else. */
export async function checkPatterns(
  site: Site,
  rule: RequirementId,
  capability: string,
  rows: readonly PatternRow[],
): Promise<void> {
  const wire = await site.greeted();
  for (const [pattern, covered, others] of rows) {
    const targets = [...covered, ...others];
    const steps = targets.map((target): Step => ({ do: "authorize", capability, target }));
    const given = await answers(site, wire, { [capability]: [pattern] }, steps);
    for (const [n, target] of targets.entries()) {
      const right = n < covered.length ? "allowed" : "PERMISSION_DENIED";
      const what = `${rule}: ${JSON.stringify(target)} under ${capability} ${JSON.stringify(pattern)}`;
      assert.equal(given[n], right, what);
    }
  }
}

/** A parent's patterns, those that a child may have, and those that it may not. */
export type SubsetRow = readonly [
  parent: readonly string[],
  covered: readonly (readonly string[])[],
  others: readonly (readonly string[])[],
];

/** Makes a job with each of the leases delegate with others, and checks which of them are granted. */
export async function checkSubsets(
  site: Site,
  namespace: string,
  rows: readonly SubsetRow[],
): Promise<void> {
  const wire = await site.greeted();
  const agent = "conformance.script";
  const own = namespace === "agent.delegate" ? [] : [agent];
  for (const [parent, covered, others] of rows) {
    const children = [...covered, ...others];
    const steps = children.map(
      (patterns): Step => ({
        do: "delegate",
        agent,
        input: { steps: [] },
        lease: { [namespace]: [...patterns] },
        outcome: true,
      }),
    );
    const lease = { "agent.delegate": own, [namespace]: [...parent] };
    const given = await answers(site, wire, lease, steps);
    for (const [n, child] of children.entries()) {
      const fits = n < covered.length;
      const rule: RequirementId = fits ? "R-9.4-2" : "R-9.4-1";
      const what = `${rule}: ${namespace} ${JSON.stringify(child)} under ${JSON.stringify(parent)}`;
      assert.equal(given[n], fits ? "allowed" : "LEASE_SUBSET_VIOLATION", what);
    }
  }
}
