// A client that drops, is taken over and outlives its runtime, by chance: `soak returns [programs=5000] [seed]`.
import { playReturns } from "../test/chance/returns.ts";
import { playSeries } from "../test/chance/series.ts";

const [programs = "5000", given] = process.argv.slice(2);
const from = given === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
console.log(`returns: ${programs} programs, seeds from ${from}`);
const started = performance.now();
try {
  const told = await playSeries(playReturns, { from, count: Number(programs) });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`  all promises held (${seconds} s)`, Object.fromEntries(told));
} catch (error) {
  console.error(error);
  console.error("again: soak returns 1 <seed>");
  process.exitCode = 1;
}
