// Submits and watches that are killed at any moment: `soak comeback [rounds] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { type Fate, Killed } from "../test/killed.ts";

const [times, given] = process.argv.slice(2);
const rounds = amount(times, 40);
const seed = seedOf(given);
let state = seed;
/** Lehmer's generator. */
const random = (): number => {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
};

const begun = performance.now();
const fates = new Map<Fate, number>();
await using killed = await Killed.open();
for (let round = 1; round <= rounds; round++) {
  const fate = await killed.round(round, random).catch((cause: unknown) => {
    throw new Error(`round ${round} of seed ${seed}`, { cause });
  });
  fates.set(fate, (fates.get(fate) ?? 0) + 1);
}
const seconds = Math.round((performance.now() - begun) / 1000);
const counted = [...fates].map(([fate, count]) => `${count} ${fate}`).join(", ");
console.log(
  `${rounds} rounds from seed ${seed} in ${seconds} s: ${counted}; each job ran once and was seen whole`,
);
