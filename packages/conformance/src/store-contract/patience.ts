import { sleep, systemClock } from "@arcp/core";
import { inTime } from "../in-time.ts";

/** Milliseconds after which a wait counts as failed. */
const PATIENCE = 5_000;

/** Milliseconds after which the runtime repeats what was rejected, once; then it gives up. */
const PAUSES = [20, 100, 500, 2000];

/** @throws Error if it takes too long, with what was awaited */
export function soon<T>(what: string, awaited: Promise<T>): Promise<T> {
  return inTime(awaited, PATIENCE, () => {
    throw new Error(`waited for ${PATIENCE} ms until ${what}`);
  });
}

/**
 * As the runtime does it: repeats the call after a pause, as long as it is rejected and there are pauses left. A closed store is
 * final.
 */
export async function asked<T>(call: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES) {
    try {
      return await call();
    } catch (error) {
      if ((error as { code?: unknown }).code === "CLOSED") throw error;
      await sleep(systemClock, pause);
    }
  }
  return call();
}
