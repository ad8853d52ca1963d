import { type Clock, sleep } from "@arcp/core";
import { isClosed } from "./closed.ts";

/** Milliseconds between attempts when the store fails: a busy disk must not end a job, nor leave a session behind. */
const PAUSES = [20, 100, 500, 2000];

/**
 * Calls `task` at once, and again after a pause for as long as it fails and there are pauses left. That a store is closed
 * is final.
 * @param task is told which attempt it is, from 0
 * @throws what the last attempt failed with
 */
export async function retried<T>(clock: Clock, task: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await task(attempt);
    } catch (error) {
      const pause = PAUSES[attempt];
      if (pause === undefined || isClosed(error)) throw error;
      await sleep(clock, pause);
    }
  }
}
