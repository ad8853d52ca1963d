// The matcher and the decision about patterns in patterns, against slow and independent ones, and what they cost:
// `soak globs [pairs] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { measureGrowth } from "../test/instructions.ts";
import { compareMatchers } from "../test/matcher-agreement.ts";
import { KINDS } from "../test/pattern-pairs.ts";
import { compareSubsets } from "../test/subset-agreement.ts";

/** How many times the instructions may become when a text becomes ten times as long. */
const BOUND = 12;

const [pairs, given] = process.argv.slice(2);
const count = amount(pairs, 100_000);
const seed = seedOf(given);
console.log(`globs: ${count} pairs of each kind, seed ${seed}`);

for (const kind of KINDS) {
  const tally = compareMatchers(kind, count, seed);
  console.log(`  ${kind}: agrees with the reference: ${told(tally)}`);
}

// A decision costs some ten times as much as a match.
for (const kind of KINDS) {
  const { undecided, ...tally } = compareSubsets(kind, Math.ceil(count / 5), seed);
  console.log(`  ${kind}: patterns in patterns: ${told(tally)}, ${undecided} undecided`);
  if (undecided > 0) fail(`${undecided} pairs of ${kind} were refused without a proof`);
}

for await (const { name, instructions, ratio } of measureGrowth()) {
  const times = ratio.toFixed(1);
  console.log(`  ${name}: ${instructions} instructions, ${times} times as many at tenfold length`);
  if (ratio >= BOUND) fail(`${name}: ${times} times as many, and less than ${BOUND} are allowed`);
}

function told(tally: object): string {
  for (const [what, times] of Object.entries(tally)) {
    if (times === 0) fail(`no pair tells anything of this: ${what}`);
  }
  return Object.entries(tally)
    .map(([what, times]) => `${times} ${what}`)
    .join(", ");
}

function fail(message: string): void {
  console.log(`WRONG: ${message}`);
  process.exitCode = 1;
}
