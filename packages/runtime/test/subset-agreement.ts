import assert from "node:assert/strict";
import { type Lease, parseAgentReference } from "@arcp/core";
import fc from "fast-check";
import { type CompiledLease, compileLease } from "../src/authority/lease.ts";
import { canonicalPath } from "../src/authority/path.ts";
import { canonicalUrl } from "../src/authority/url.ts";
import { excessOf } from "./compared.ts";
import { type Kind, nearPatterns, nearTargets, patterns, WORKSPACE } from "./pattern-pairs.ts";
import { verdictOf } from "./reference-matcher.ts";
import { proves } from "./reference-subset.ts";

export interface SubsetTally {
  included: number;
  /** With a target that proves it. */
  excluded: number;
  /** Refused without a proof. */
  undecided: number;
  /** How many of the included ones the procedure of section 9.4 proves. */
  proven: number;
  /** Targets that a child matches whose parent includes it. */
  sampled: number;
}

/**
 * Checks random pairs of patterns of one kind: inclusions hold for sampled targets, exclusions come with a target that
 * proves them, and whatever section 9.4 proves is included.
 */
export function compareSubsets(kind: Kind, pairs: number, seed: number): SubsetTally {
  const tally = { included: 0, excluded: 0, undecided: 0, proven: 0, sampled: 0 };
  const pair = patterns[kind].chain((parent) =>
    nearPatterns(kind, parent).chain((child) =>
      fc.tuple(
        fc.constant(parent),
        fc.constant(child),
        fc.array(nearTargets(child), { maxLength: 8 }),
      ),
    ),
  );
  let count = 0;
  fc.assert(
    fc.property(pair, ([parent, child, targets]) => {
      const [outer, inner] = [leaseOf(kind, parent), leaseOf(kind, child)];
      fc.pre(outer !== undefined && inner !== undefined);
      count += 1;
      const beyond = excessOf(outer, inner);
      const isProven = proves(kind, child, parent, WORKSPACE);
      const verdict = (pattern: string, target: string) =>
        verdictOf(kind, pattern, target, WORKSPACE);
      if (beyond === undefined) {
        tally.included += 1;
        if (isProven) tally.proven += 1;
        for (const target of targets) {
          if (verdict(child, target) !== "covers") continue;
          tally.sampled += 1;
          assert.equal(verdict(parent, target), "covers", target);
        }
        return;
      }
      assert(!isProven, "section 9.4 proves it");
      const [, shown] = /: it also allows (".*")$/s.exec(beyond) ?? [];
      if (shown === undefined) {
        tally.undecided += 1;
        return;
      }
      tally.excluded += 1;
      const witness: string = JSON.parse(shown);
      assert.equal(verdict(child, witness), "covers", witness);
      assert.equal(verdict(parent, witness), "does not cover", witness);
      assert(isCanonical(kind, witness), `${witness} is no target`);
    }),
    { numRuns: pairs, seed, maxSkipsPerRun: 1000 },
  );
  assert.equal(count >= pairs, true);
  return tally;
}

function leaseOf(kind: Kind, pattern: string): CompiledLease | undefined {
  const lease: Lease = { [kind]: [pattern] };
  const compiled = compileLease(lease, { workspace: WORKSPACE });
  return compiled.ok ? compiled.lease : undefined;
}

function isCanonical(kind: Kind, target: string): boolean {
  if (kind === "fs.read") {
    const canonical = canonicalPath(target);
    return canonical.ok && canonical.path === target;
  }
  if (kind === "net.fetch") {
    const canonical = canonicalUrl(target);
    return canonical.ok && canonical.href === target;
  }
  return kind !== "agent.delegate" || parseAgentReference(target) !== undefined;
}
