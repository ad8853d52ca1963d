import { isDeepStrictEqual } from "node:util";
import type { Lease } from "@arcp/core";
import fc from "fast-check";
import { compileLease } from "../src/authority/lease.ts";
import { type Kind, nearTargets, patterns, WORKSPACE } from "./pattern-pairs.ts";
import { type Verdict, verdictOf } from "./reference-matcher.ts";

export type Tally = Record<Verdict, number>;

/** Compares the matcher with the reference on random pairs of one kind. @returns how often each outcome occurred */
export function compareMatchers(kind: Kind, pairs: number, seed: number): Tally {
  const tally: Tally = { covers: 0, "does not cover": 0, "no pattern": 0 };
  const pair = patterns[kind].chain((pattern) =>
    fc.tuple(fc.constant(pattern), nearTargets(pattern)),
  );
  fc.assert(
    fc.property(pair, ([pattern, target]) => {
      const expected = verdictOf(kind, pattern, target, WORKSPACE);
      tally[expected] += 1;
      const actual = verdict({ [kind]: [pattern] }, kind, target);
      if (!isDeepStrictEqual(actual, expected)) {
        const shown = JSON.stringify({ kind, pattern, target });
        throw new Error(`${shown}: the reference says "${expected}", the matcher "${actual}"`);
      }
    }),
    { numRuns: pairs, seed },
  );
  return tally;
}

function verdict(lease: Lease, kind: Kind, target: string): Verdict {
  const compiled = compileLease(lease, { workspace: WORKSPACE });
  if (!compiled.ok) return "no pattern";
  return compiled.lease.covers(kind, target) ? "covers" : "does not cover";
}
