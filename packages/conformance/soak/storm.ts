// Sessions in a storm: `soak storm [programs=2000] [seed] [memory | sqlite] [writes in a hundred that fail]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import type { StoreName } from "../test/shelf.ts";
import { Storm } from "../test/storm/storm.ts";

/** Writes in a hundred that fail, in one program after the other. */
const TROUBLES = [0, 0, 5, 20];

const [programs, given, only, trouble] = process.argv.slice(2);
const count = amount(programs, 2000);
const first = seedOf(given);
const begun = performance.now();
console.log(`storm: ${count} programs over ${only ?? "both stores"}, seeds from ${first}`);
const storm = new Storm();
for (let seed = first; seed < first + count; seed++) {
  const store = (only ?? (seed % 10 === 0 ? "sqlite" : "memory")) as StoreName;
  const fails = store === "sqlite" ? 0 : Number(trouble ?? TROUBLES[seed % TROUBLES.length]);
  const plan = { seed, programs: 1, store, trouble: fails, shrinking: 60_000 };
  const failure = await storm.run(plan);
  if (failure !== undefined) {
    console.error(failure);
    console.error(`again: soak storm 1 ${seed} ${store} ${fails}`);
    process.exitCode = 1;
    break;
  }
}
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(`  ${seconds} s`, storm.tally);
