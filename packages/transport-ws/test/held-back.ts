import { setTimeout as pause } from "node:timers/promises";

/** Looks at a send before it counts as held back, 10 ms apart: one look of a machine that stood still says nothing. */
const LOOKS = 15;

/** Whether a send stays pending though whoever could take it had the time for it. */
export async function isHeldBack(sending: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  const settled = sending.then(over, over);
  for (let look = 0; look < LOOKS && pending; look++) await Promise.race([settled, pause(10)]);
  return pending;
}
