// Jobs of many clients through a network that delays, cuts, hangs and repeats: `soak chaos [seed] [jobs] [clients]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { unleash } from "../test/chaos/chaos.ts";

const [given, ...sizes] = process.argv.slice(2);
const seed = seedOf(given);
const [jobs, clients] = [amount(sizes[0], 200), amount(sizes[1], 20)];
process.on("warning", (warning) => {
  console.error(warning.stack);
  process.exitCode = 1;
});

console.log(`chaos: ${jobs} jobs from ${clients} clients, seed ${seed}`);
const { seconds, tally } = await unleash(
  {
    seed,
    jobs,
    clients,
    effort: { steps: 2_000, ms: 35_000, streamed: 3_000_000, inline: 400_000 },
    weather: { life: 4_000, halfOpen: 20_000, refused: 0.05, blackHole: 0.08, replayed: 0.15 },
    patience: 120_000,
  },
  (line) => console.log(line),
);
for (const line of tally.lines) console.log(line);
console.log(
  `${jobs} jobs in ${Math.round(seconds)} s (seed ${seed}): each came to its right end before everybody who followed it, ` +
    `${tally.of("events")} events were seen once and in order, and no timer, socket or session was left behind`,
);
