// One reader of a flood stands still, in pairs with a run in which none does: `soak stall [events] [seconds] [pairs] [store]`.

import { amount } from "../../../scripts/soak-arguments.ts";
import { Scratch } from "../test/scratch.ts";
import { faultsOf, MEMORY_BOUND, mebibytes } from "../test/stall-bounds.ts";
import { type Role, type Stalled, type StallPlan, stall } from "../test/stalling.ts";

/** How much later a job may end for somebody's stall, and how much it should at most. */
const RATIO = { bound: 2, aim: 1.2 };
/** Of fewer events all could wait in memory within its bound. */
const FEWEST = 100_000;

const [many, long, often, only] = process.argv.slice(2);
const [events, pairs] = [amount(many, 200_000, FEWEST), amount(often, 5)];
const stallFor = amount(long, 30) * 1000;
const stores = (["memory", "sqlite"] as const).filter((store) => (only ?? store) === store);
if (stores.length === 0) throw new Error(`there is no store "${only}": memory or sqlite`);
const roles: readonly Role[] = ["viewer", "owner"];
const faults: string[] = [];

type Store = (typeof stores)[number];

async function run(name: string, store: Store, plan: Partial<StallPlan>): Promise<Stalled> {
  using scratch = new Scratch();
  const file = store === "sqlite" ? scratch.newFile() : undefined;
  const breakAfter = Math.round(100 + 4000 * Math.random());
  const whole = { events, size: 0, sampleMs: 250, breakAfter, stallFor, ...plan, file };
  const stalled = await stall(whole);
  const { end, memory, readers } = stalled;
  const wrong = faultsOf(whole, stalled).map((fault) => `${store}, ${name}: ${fault}`);
  const stood = whole.stalls && `, stall of ${whole.stallFor} ms after ${breakAfter} events`;
  console.log(
    `${store}, ${name}: the job ended after ${Math.round(end.ms)} ms (${Math.round(end.cpu)} of the ` +
      `processor)${stood ?? ""}; memory grew by ${mebibytes(memory.used)} (rss ${mebibytes(memory.rss)}, log ${mebibytes(memory.log)}); ` +
      `events: owner ${readers.owner.events}, viewer ${readers.viewer.events}; ` +
      `connections: ${readers.owner.connections}, ${readers.viewer.connections}`,
  );
  for (const fault of wrong) console.log(`  WRONG: ${fault}`);
  faults.push(...wrong);
  return stalled;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** @param length of the stall, by how long the job took without one, milliseconds */
async function compare(
  name: string,
  store: Store,
  stalls: Role,
  length: (ms: number) => number,
): Promise<void> {
  const runs: { free: Stalled; stalled: Stalled }[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const free = await run("no stall", store, {});
    const stalled = await run(name, store, { stalls, stallFor: length(free.end.ms) });
    runs.push({ free, stalled });
  }
  const ratios = runs.map(({ free, stalled }) => stalled.end.ms / free.end.ms);
  const ratio = median(ratios);
  // What remains of the comparison on a machine that is busy with something else.
  const cpu = median(runs.map(({ free, stalled }) => stalled.end.cpu / free.end.cpu));
  const used = Math.max(...runs.map(({ stalled }) => stalled.memory.used));
  const verdict = `${store}, ${name}: the job ends ${ratio.toFixed(2)} times as late`;
  const aim = ratio <= RATIO.aim ? "within the aim" : `above the aim of ${RATIO.aim}`;
  console.log(
    `= ${verdict} (median of ${pairs} pairs, ${aim}; ${cpu.toFixed(2)} by time of the processor), ` +
      `memory grows by ${mebibytes(used)}`,
  );
  // A job that waits does so in every pair. What else the machine does makes only some of them late.
  if (Math.min(...ratios) > RATIO.bound) faults.push(verdict);
}

for (const store of stores) {
  for (const stalls of roles) {
    await compare(`the ${stalls} stalls`, store, stalls, () => stallFor);
    // It catches up while the flood goes on.
    await compare(`the ${stalls} stalls for a third of it`, store, stalls, (ms) =>
      Math.round(ms / 3),
    );
    // Past two heartbeats the connection ends, and the client resumes.
    await run(`the ${stalls} stalls past its heartbeats`, store, { stalls, pastHeartbeats: true });
    const logRecords = events / 2;
    // All that the flood is ahead of the other reader is still kept for it.
    const limited = { stalls, logRecords, lead: events / 4, throughEnd: true };
    await run(`the ${stalls} stalls, half is kept`, store, limited);
  }
}
console.log(`the bound of memory is ${mebibytes(MEMORY_BOUND)}, and a log that is in memory`);
if (faults.length > 0) {
  console.log(`WRONG:\n${faults.join("\n")}`);
  process.exitCode = 1;
}
