import { describe, expect, test } from "vitest";
import { compareMatchers } from "../../test/matcher-agreement.ts";
import { KINDS } from "../../test/pattern-pairs.ts";
import { compareSubsets } from "../../test/subset-agreement.ts";

// `soak globs` compares many more.
const PAIRS = 2000;
const seed = () => Math.trunc(Math.random() * 2 ** 31);

describe.each(KINDS)("%s", (kind) => {
  test("R-9.2-2, R-9.2-5, R-9.2-8: the matcher agrees with an independent, slow one", () => {
    const tally = compareMatchers(kind, PAIRS, seed());
    expect(tally.covers).toBeGreaterThan(PAIRS / 20);
    expect(tally["does not cover"]).toBeGreaterThan(PAIRS / 20);
  });

  test("R-9.4-1 and R-9.4-2: what is included holds, what is excluded has a proof, and what must be provable is included", () => {
    const tally = compareSubsets(kind, PAIRS / 4, seed());
    expect(tally.undecided).toBe(0);
    expect(tally.excluded).toBeGreaterThan(PAIRS / 40);
    expect(tally.proven).toBeGreaterThan(PAIRS / 40);
    expect(tally.sampled).toBeGreaterThan(PAIRS / 40);
  });
});
