import { type Clock, sleep } from "@arcp/core";
import { isClosed } from "./closed.ts";

/** Milliseconds between attempts when the store fails: a busy disk must not end a job, nor leave a session behind. */
export const PAUSES: readonly number[] = [20, 100, 500, 2000];

/**
 * Calls `task`, and again after a pause as long as it fails and there are pauses left. A closed store is not retried.
 * @param task receives the number of the attempt, from 0
 * @throws the error of the last attempt
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
