import { amount, seedOf } from "../../../../scripts/soak-arguments.ts";
import { playSeries } from "./series.ts";

/** This many programs do everything that programs of their kind can do. */
const ENOUGH = 100;

/**
 * Plays as many programs as the command line says, `[programs] [seed]`, and prints how to replay one that failed.
 * @param name of the soak
 * @param programs by default
 */
export async function soak<Name extends string>(
  name: string,
  play: (seed: number) => Promise<Readonly<Record<Name, number>>>,
  programs: number,
): Promise<void> {
  const [many, given] = process.argv.slice(2);
  const count = amount(many, programs);
  const from = seedOf(given);
  console.log(`${name}: ${count} programs, seeds from ${from}`);
  const started = performance.now();
  try {
    const told = await playSeries(play, { from, count });
    const never = [...told].filter(([, times]) => times === 0).map(([what]) => what);
    if (count >= ENOUGH && never.length > 0) throw new Error(`nothing is told of ${never}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`  all promises held (${seconds} s)`, Object.fromEntries(told));
  } catch (error) {
    console.error(error);
    console.error(`again: soak ${name} 1 <seed>`);
    process.exitCode = 1;
  }
}
