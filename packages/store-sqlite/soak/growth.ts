// Whether memory and file stop growing: `soak growth [jobs] [events] [retention in s] [ms per job]`.
import { amount } from "../../../scripts/soak-arguments.ts";
import { type Footprint, readLate, runMany } from "../test/growth.ts";
import { Scratch } from "../test/scratch.ts";

const MIB = 1024 * 1024;
/** From the first measurement to the last. */
const BOUNDS = { memory: 8 * MIB, file: 1.2 };
const LONG = 100_000;
/** Of fewer events all could stay in memory within its bound. */
const FEWEST = 60_000;

const [many, long, kept, often] = process.argv.slice(2);
const [jobs, eventsPerJob] = [amount(many, 200), amount(long, 1000)];
const [retention, pace] = [amount(kept, 30), amount(often, 900)];
if (jobs * eventsPerJob < FEWEST) throw new Error(`${FEWEST} events have to come, or more`);
if (Math.ceil(jobs / 4) * pace < retention * 1000) {
  throw new Error(`a quarter of the jobs has to take longer than the ${retention} s of retention`);
}
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(2)} MiB`;
const line = ({ events, after, memory, file }: Footprint): string =>
  `  ${events} events after ${Math.round(after)} s: memory ${mib(memory)}${file === 0 ? "" : `, file ${mib(file)}`}`;

using scratch = new Scratch();
for (const kind of ["sqlite", "memory"]) {
  console.log(
    `${kind}: ${jobs} jobs of ${eventsPerJob} events in one session, kept for ${retention} s, one every ${pace} ms`,
  );
  const store = kind === "memory" ? kind : scratch.newFile();
  const { early, late } = await runMany(
    { store, jobs, eventsPerJob, retention, pace },
    (footprint) => console.log(line(footprint)),
  );
  const grown = late.memory - early.memory;
  const ratio = early.file === 0 ? 1 : late.file / early.file;
  const holds = grown <= BOUNDS.memory && ratio <= BOUNDS.file;
  console.log(
    `  ${holds ? "holds" : "FAILS"}: memory ${mib(grown)} more, file ${ratio.toFixed(2)} times`,
  );
  if (!holds) process.exitCode = 1;
}

const ms = await readLate(scratch.newFile(), LONG);
console.log(`${LONG} events of an ended job came whole and in order in ${Math.round(ms)} ms`);
