/** The pause before the first new attempt, in ms; it doubles with each further one. */
const BASE = 100;
/** The longest pause, in ms. */
export const MAX_PAUSE = 10_000;

/**
 * The pause before an attempt to connect, in ms. It doubles each time, up to a limit, and is randomly shortened by up to half,
 * so that clients that lost the same runtime do not all reconnect at the same instant.
 *
 * @param failures how many attempts in a row have failed before this one, from 0
 */
export function pauseBefore(failures: number): number {
  const full = Math.min(MAX_PAUSE, BASE * 2 ** failures);
  return Math.round(full * (1 - Math.random() / 2));
}
