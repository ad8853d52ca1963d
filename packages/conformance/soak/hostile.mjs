// Sends hostile frames to a runtime, and looks at every answer: `soak hostile [generated] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { besiege } from "../test/siege.ts";

const [many, given] = process.argv.slice(2);
const count = amount(many, 1000);
const seed = seedOf(given);
console.log(`hostile: ${count} generated frames, seed ${seed}`);

const report = await besiege({ count, seed });
const { corpus, generated, unannounced, outcomes, growth, events, longestWait } = report;
for (const [outcome, times] of Object.entries(outcomes).sort(([, a], [, b]) => b - a)) {
  console.log(`  ${String(times).padStart(6)} ${outcome}`);
}
const mebibytes = (growth / 1024 / 1024).toFixed(1);
console.log(
  `${corpus + generated} frames on a session, ${unannounced} without one (seed ${seed}): each was answered as documented; ` +
    `the heap grew by ${mebibytes} MiB over the second half of the generated ones; somebody else got ${events} events in ` +
    `order, never more than ${longestWait} ms apart`,
);
if (growth > 16 * 1024 * 1024) {
  console.error("the heap may grow by 16 MiB");
  process.exitCode = 1;
}
