import { playSeries } from "./series.ts";

/**
 * Plays as many programs as the command line says, `[programs] [seed]`, and prints how to play one again that failed.
 * @param name of the soak
 * @param programs by default
 */
export async function soak<Name extends string>(
  name: string,
  play: (seed: number) => Promise<Readonly<Record<Name, number>>>,
  programs: number,
): Promise<void> {
  const [count = programs, given = Math.random() * 2 ** 31] = process.argv.slice(2).map(Number);
  const from = Math.trunc(given);
  console.log(`${name}: ${count} programs, seeds from ${from}`);
  const started = performance.now();
  try {
    const told = await playSeries(play, { from, count });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`  all promises held (${seconds} s)`, Object.fromEntries(told));
  } catch (error) {
    console.error(error);
    console.error(`again: soak ${name} 1 <seed>`);
    process.exitCode = 1;
  }
}
