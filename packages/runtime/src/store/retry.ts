import { type Clock, sleep } from "@arcp/core";
import { isClosed } from "./closed.ts";

/** Milliseconds between attempts when the store fails: a busy disk must not end a job, nor leave a session behind. */
const PAUSES = [20, 100, 500, 2000];

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

/**
 * Repeats the calls of many tasks like {@link retried}, until the first task has failed for good. From then on each gets one attempt: a
 * store that refuses one for so long may refuse them all.
 */
export class Patience {
  readonly #clock: Clock;
  #isSpent = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async retried<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await (this.#isSpent ? task() : retried(this.#clock, task));
    } catch (error) {
      this.#isSpent = true;
      throw error;
    }
  }
}
