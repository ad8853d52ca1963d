// Handles of every kind on one job, over cuts and lost sessions: `soak handles [rounds] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { manyHandles } from "../test/many-handles.ts";

const [times, given] = process.argv.slice(2);
const rounds = amount(times, 60);
const from = seedOf(given);
const begun = performance.now();
let readers = 0;
let refused = 0;
for (let round = 0; round < rounds; round++) {
  const seed = from + round;
  const done = await manyHandles(seed).catch((cause: unknown) => {
    throw new Error(`seed ${seed}`, { cause });
  });
  readers += done.readers;
  refused += done.refused;
}
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(
  `${rounds} rounds from seed ${from} in ${seconds} s: ${readers} handles got what they promise, once and in order, ` +
    `over ${refused} lost sessions`,
);
