import { type Clock, sleep } from "@arcp/core";
import { isClosed } from "./closed.ts";

/** Milliseconds between attempts when the store fails: a busy disk must not end a job, nor leave a session behind. */
const PAUSES = [20, 100, 500, 2000];

/** The same for one of many tasks, once another one has failed for good: a single rejection is no reason to give a task up. */
const BRIEF = PAUSES.slice(0, 1);

/**
 * Calls `task`, and again after a pause as long as it fails and there are pauses left. A closed store is not retried.
 * @param task receives the number of the attempt, from 0
 * @throws the error of the last attempt
 */
export async function retried<T>(
  clock: Clock,
  task: (attempt: number) => Promise<T>,
  pauses: readonly number[] = PAUSES,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await task(attempt);
    } catch (error) {
      const pause = pauses[attempt];
      if (pause === undefined || isClosed(error)) throw error;
      await sleep(clock, pause);
    }
  }
}

/**
 * Repeats the calls of many tasks like {@link retried}, until the first task has failed for good. From then on each is repeated once,
 * and soon: a store that refuses one for so long may refuse them all.
 */
export class Patience {
  readonly #clock: Clock;
  #pauses: readonly number[] = PAUSES;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async retried<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await retried(this.#clock, task, this.#pauses);
    } catch (error) {
      this.#pauses = BRIEF;
      throw error;
    }
  }
}
