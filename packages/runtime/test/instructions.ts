import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const LOAD = join(import.meta.dirname, "match-load.mjs");

/** How the work of a case grows when its length grows tenfold. */
export interface Growth {
  readonly name: string;
  /** Instructions at the smaller length, and how many times as many at the larger one. */
  readonly instructions: number;
  readonly ratio: number;
}

const LENGTHS = [400, 4000] as const;
/** Far above the difference between two runs of the same work. */
const ENOUGH = 100_000_000;

/**
 * Counts the instructions of the matcher's worst cases, minus those of a program that does none of them. Without a
 * just-in-time compiler, so that a count depends on the work alone.
 * @throws Error when valgrind, which counts, is not installed, or when a case does too little to be counted
 */
export async function* measureGrowth(): AsyncGenerator<Growth> {
  const { stdout } = await run(process.execPath, [LOAD]);
  const names: string[] = JSON.parse(stdout);
  const nothing = await count(names[0] ?? "", LENGTHS[0], 0);
  for (const name of names) {
    const work = async (length: number, times: number): Promise<number> =>
      (await count(name, length, times)) - nothing;
    let times = 20;
    let instructions = await work(LENGTHS[0], times);
    // More than once: the first few times cost more, for work that is done only once.
    for (let tries = 0; instructions < ENOUGH && tries < 3; tries += 1) {
      times = Math.ceil((times * 2 * ENOUGH) / Math.max(instructions, ENOUGH / 200));
      instructions = await work(LENGTHS[0], times);
    }
    if (instructions < ENOUGH) throw new Error(`${name}: what is counted does nothing`);
    const ratio = (await work(LENGTHS[1], times)) / instructions;
    yield { name, instructions: Math.round(instructions / times), ratio };
  }
}

async function count(name: string, length: number, times: number): Promise<number> {
  const counting = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
  const program = [process.execPath, "--jitless", "--single-threaded", LOAD];
  const load = [name, `${length}`, `${times}`];
  const { stderr } = await run("valgrind", [...counting, ...program, ...load]).catch((error) => {
    if (error?.code !== "ENOENT") throw error;
    throw new Error("instructions are counted by valgrind: install the package valgrind");
  });
  const [, instructions] = /I\s+refs:\s+([\d,]+)/.exec(stderr) ?? [];
  if (instructions === undefined) throw new Error(`valgrind counted nothing: ${stderr}`);
  return Number(instructions.replaceAll(",", ""));
}
