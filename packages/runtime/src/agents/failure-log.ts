import { ArcpError } from "@arcp/core";
import type { Logger } from "pino";
import type { Job } from "../jobs/job.ts";

/**
 * Logs, for the operator only, what an agent or one of its tools threw; clients get a generic error. Inspecting the thrown value
 * may itself throw.
 * @param more further fields of the log line
 * @returns whether it was a failure: neither a deliberate ArcpError nor the effect of being stopped
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

/** Whether the agent stopped as told: what is given the job's signal, such as a Node timer, throws an `AbortError`. */
function isStop({ life: { signal } }: Job, thrown: unknown): boolean {
  return signal.aborted && thrown instanceof Error && thrown.name === "AbortError";
}
