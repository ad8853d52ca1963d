// Random sequences of what jobs do with their money, on budgets and on accounts that are kept apart: `soak budgets [runs] [seed]`.
import fc from "fast-check";
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { aSequence, playBudgets, tally } from "../test/budget-sequence.ts";

const [count, given] = process.argv.slice(2);
const runs = amount(count, 10_000);
const seed = seedOf(given);
console.log(`budgets: ${runs} sequences, seed ${seed}`);
fc.assert(fc.property(aSequence, playBudgets), { numRuns: runs, seed });
const { steps, refused, jobs, overspent } = tally;
console.log(
  `${steps} steps of ${jobs} jobs, ${refused} refused, ${overspent} looks at a counter in the red: after each step every job's ` +
    "money added up exactly in three currencies, and in the end all was available that remained",
);
