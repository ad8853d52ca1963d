import type { Job } from "../jobs/job.ts";
import { tolerated } from "../tolerance.ts";

/**
 * Charges the turn for a refusal as if it were a record. Otherwise an agent that retries in a loop would starve all others, because
 * awaiting a rejected promise yields no more than awaiting a resolved one (J4).
 */
export function paced<T>({ events }: Pick<Job, "events">, answer: Promise<T>): Promise<T> {
  return tolerated(
    answer.catch(async (refusal: unknown) => {
      await events.pass();
      throw refusal;
    }),
  );
}
