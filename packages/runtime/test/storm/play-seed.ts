import { aProgram } from "./program.ts";
import { shrink } from "./shrink.ts";
import { playStorm } from "./storm.ts";

/** How many smaller storms are tried to find the smallest one. */
const TRIES = 300;

/**
 * Plays the storm of a seed.
 * @returns what happened, in total
 * @throws Error with what was broken first, and the smallest storm found that breaks it too
 */
export async function playSeed(seed: number): Promise<Readonly<Record<string, number>>> {
  const program = aProgram(seed);
  const { breaches, counts } = await playStorm(program);
  const [first] = breaches;
  if (first === undefined) return Object.fromEntries(counts);
  let tries = 0;
  const smallest = await shrink(program, async (smaller) => {
    tries += 1;
    if (tries > TRIES) return false;
    const again = await playStorm(smaller);
    return again.breaches.some(({ rule }) => rule === first.rule);
  });
  throw new Error(`${first.rule}: ${first.message}, by ${JSON.stringify(smallest)}`);
}
