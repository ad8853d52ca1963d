import { sleep, systemClock } from "@arcp/core";
import { inTime } from "../in-time.ts";

/** Milliseconds after which something that must come counts as lost. */
const PATIENCE = 10_000;
/** Polls after which something that has not come counts as held back, 10 ms apart: on a machine that stalled, one says nothing. */
const LOOKS = 20;

/** Rejects if it takes too long, with what was awaited. */
export function soon<T>(awaited: Promise<T>, what: string): Promise<T> {
  return inTime(awaited, PATIENCE, () => {
    throw new Error(`${what}: nothing within ${PATIENCE} ms`);
  });
}

/** Whether it is still pending after a while. */
export async function isHeldBack(awaited: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  const settled = awaited.then(over, over);
  for (let look = 0; look < LOOKS && pending; look++) {
    await Promise.race([settled, sleep(systemClock, 10)]);
  }
  return pending;
}

/** Resolves once `condition` holds; rejects with the result of `told` if it does not in time. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  told: () => string,
): Promise<void> {
  const deadline = systemClock.monotonic() + PATIENCE;
  while (!(await condition())) {
    if (systemClock.monotonic() > deadline) throw new Error(told());
    await sleep(systemClock, 5);
  }
}
