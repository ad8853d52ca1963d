// Stores that fail, observers that misbehave and a client that drops, by chance: `soak faults [programs=2000] [seed]`.
import { playFaults } from "../test/chance/faults.ts";
import { playSeries } from "../test/chance/series.ts";

const [programs = "2000", given] = process.argv.slice(2);
const from = given === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
console.log(`faults: ${programs} programs, seeds from ${from}`);
const started = performance.now();
try {
  const told = await playSeries(playFaults, { from, count: Number(programs) });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`  all promises held (${seconds} s)`, Object.fromEntries(told));
} catch (error) {
  console.error(error);
  console.error("again: soak faults 1 <seed>");
  process.exitCode = 1;
}
