/** The pause before the first new attempt, in ms; each further one doubles it. */
const BASE = 100;
/** The longest pause, in ms. */
export const MAX_PAUSE = 10_000;

/**
 * The pause before an attempt to connect, in ms: doubling, bounded, and by up to a half shorter at random, so that
 * clients which lost the same runtime do not come back in the same instant.
 *
 * @param failures attempts in a row that came to nothing before this one, from 0
 */
export function pauseBefore(failures: number): number {
  const full = Math.min(MAX_PAUSE, BASE * 2 ** failures);
  return Math.round(full * (1 - Math.random() / 2));
}
