// Random sequences of what jobs do with their money, on budgets and on accounts that are kept apart: `soak budgets [runs] [seed]`.
import fc from "fast-check";
import { aSequence, playBudgets, tally } from "../test/budget-sequence.ts";

const [runs = "10000", given] = process.argv.slice(2);
const seed = given === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
console.log(`budgets: ${runs} sequences, seed ${seed}`);
fc.assert(fc.property(aSequence, playBudgets), { numRuns: Number(runs), seed });
const { steps, refused, jobs, overspent } = tally;
console.log(
  `${steps} steps of ${jobs} jobs, ${refused} refused, ${overspent} looks at a counter in the red: after each step every job's ` +
    "money added up exactly in three currencies, and in the end all was available that remained",
);
