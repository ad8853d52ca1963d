import { ArcpError } from "@arcp/core";
import type { Logger } from "pino";
import type { Job } from "../jobs/job.ts";

/**
 * Tells the operator alone what an agent or one of its tools threw: everybody else hears of an unexpected error. What was
 * thrown may fail when it is looked at.
 * @param more fields of the line, beside the job, its agent and the error
 * @returns whether it failed: not on purpose, and not because it was stopped
 */
export function tellFailure(
  job: Job,
  thrown: unknown,
  logger: Logger,
  text: string,
  more: object = {},
): boolean {
  const { id, identity, secrets } = job;
  const said = { job: id, agent: identity.agent, ...more };
  try {
    if (thrown instanceof ArcpError || isStop(job, thrown)) return false;
    logger.error({ ...said, err: secrets.cleanError(thrown) }, text);
  } catch {
    logger.error(said, `${text} with an error that cannot be shown`);
  }
  return true;
}

/** Whether somebody stopped as told: what is given the job's signal, as a timer of Node's, throws an `AbortError`. */
function isStop({ life: { signal } }: Job, thrown: unknown): boolean {
  return signal.aborted && thrown instanceof Error && thrown.name === "AbortError";
}
