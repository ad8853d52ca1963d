import type { Job } from "../jobs/job.ts";
import { tolerated } from "../tolerance.ts";

/**
 * What an agent asked for. A refusal takes of the turn like what is written: an agent that asks again and again would starve
 * all others, since a rejected promise yields no more than a resolved one (J4).
 */
export function paced<T>({ events }: Pick<Job, "events">, answer: Promise<T>): Promise<T> {
  return tolerated(
    answer.catch(async (refusal: unknown) => {
      await events.pass();
      throw refusal;
    }),
  );
}
