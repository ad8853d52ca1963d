// A client of a runtime that lies, falls silent and drops connections: `soak lies [rounds] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { lies } from "../test/lies.ts";

const [times, given] = process.argv.slice(2);
const rounds = amount(times, 2_000);
const from = seedOf(given);
const begun = performance.now();
let asked = 0;
for (let seed = from; seed < from + rounds; seed++) {
  asked += await lies(seed).catch((cause: unknown) => {
    throw new Error(`seed ${seed}`, { cause });
  });
}
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(
  `${rounds} rounds from seed ${from} in ${seconds} s: ${asked} things that were asked came to an end, and left nothing`,
);
