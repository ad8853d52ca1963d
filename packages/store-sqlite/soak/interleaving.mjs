// The interleaving test in its long form: `soak interleaving [runs] [seed]`.
import fc from "fast-check";
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { aScript, Interleaving, tally } from "../test/interleaving.ts";
import { Scratch } from "../test/scratch.ts";

/** So many scripts do all that scripts do. */
const ENOUGH = 1000;

const [runs, given] = process.argv.slice(2);
const numRuns = amount(runs, 10_000);
const seed = seedOf(given);
console.log(`interleaving: ${numRuns} runs, seed ${seed}`);

const started = performance.now();
const property = fc.asyncProperty(aScript, async (script) => {
  using scratch = new Scratch();
  await new Interleaving(() => scratch.newFile()).play(script);
  if (tally.runs % 1000 === 0) console.log(`  ${tally.runs} runs, ${tally.crashes} crashes`);
});
await fc.assert(property, { numRuns, seed, endOnFailure: numRuns > 10_000 });

const untried = Object.keys(tally).filter((what) => tally[what] === 0);
if (numRuns >= ENOUGH && untried.length > 0) throw new Error(`no script had any ${untried}`);

const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `${tally.operations} operations, ${tally.failures} disks that failed, ${tally.renewed} logs that began anew, ${tally.crashes} crashes with ${tally.unacknowledged} calls in flight, of which ` +
    `${tally.kept} had become durable; nothing was lost or repeated (${seconds} s, seed ${seed})`,
);
