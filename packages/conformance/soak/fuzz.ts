// Programs of hostile actions on many connections at a time: `soak fuzz [minutes=10] [seed]`.
import { setTimeout as pause } from "node:timers/promises";
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { Fuzzer } from "../test/fuzz/fuzz.ts";
import { Watchdog } from "../test/fuzz/watchdog.ts";
import { heap } from "../test/heap.ts";

/** Bytes that the heap may grow by after the first quarter. */
const MAX_GROWTH = 16 * 1024 * 1024;
/** Programs of one seed. */
const BATCH = 50;

const [long, given] = process.argv.slice(2);
const minutes = amount(long, 10, 0);
const first = seedOf(given);
const duration = minutes * 60_000;
const begun = performance.now();
const elapsed = (): number => performance.now() - begun;
const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);

console.log(`fuzz: ${minutes} minutes, seeds from ${first}`);
using watchdog = new Watchdog();
await using fuzzer = new Fuzzer("ws", (program) => watchdog.plays(program));
const { tally, outcomes } = fuzzer;
let seed = first;
let settled: number | undefined;
let told = 0;
let failed = false;
do {
  const plan = { seed, programs: BATCH, longest: 60, shrinking: 60_000 };
  const failure = await fuzzer.run(plan);
  if (failure !== undefined) {
    failed = true;
    console.error(failure.told);
    console.error(`the program, for the list of regressions:\n${JSON.stringify(failure.program)}`);
    console.error(`seed ${seed}; again: soak fuzz 0 ${seed}`);
    break;
  }
  if (settled === undefined && elapsed() > duration / 4) settled = await heap();
  if (elapsed() > told + 60_000) {
    told = elapsed();
    console.log(`  ${Math.round(told / 1000)} s, ${tally.programs} programs, seed ${seed}`);
  }
  seed += 1;
} while (elapsed() < duration);

for (const [outcome, times] of [...outcomes].sort(([, a], [, b]) => b - a)) {
  console.log(`  ${String(times).padStart(8)} ${outcome}`);
}
await pause(100);
const now = await heap();
const growth = now - (settled ?? now);
console.log(
  `${tally.programs} programs of ${tally.actions} actions in ${Math.round(elapsed() / 1000)} s (seeds ${first} to ${seed}): ` +
    `${tally.frames} frames, ${tally.answered} requests answered, ${tally.sessions} sessions, ${tally.resumes} resumes, ` +
    `${tally.jobs} jobs, ${tally.events} events; the heap is ${mebibytes(now)} MiB and grew by ${mebibytes(growth)} MiB ` +
    "after the first quarter",
);
if (growth > MAX_GROWTH) console.error(`the heap may grow by ${mebibytes(MAX_GROWTH)} MiB`);
if (failed || growth > MAX_GROWTH) process.exitCode = 1;
