import { ArcpError, type JobId } from "@arcp/core";
import { jobDamaged } from "../jobs/ending.ts";
import { findJob } from "../jobs/finished-job.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import { DamagedRow } from "../store/damage.ts";
import type { Services } from "./services.ts";

/** The job that a request names in its envelope, its payload, or identically in both. @throws ArcpError */
export function namedJob(request: {
  readonly job_id?: JobId | undefined;
  readonly payload: { readonly job_id?: JobId | undefined };
}): JobId {
  const { job_id: envelope, payload } = request;
  const id = envelope ?? payload.job_id;
  if (id === undefined) throw new ArcpError("INVALID_REQUEST", "job_id is missing");
  if (payload.job_id !== undefined && payload.job_id !== id) {
    throw new ArcpError("INVALID_REQUEST", "job_id differs between envelope and payload");
  }
  return id;
}

/**
 * The job, if this principal may know of it. Unknown, hidden and unreadable jobs are refused in the same way (R-7.6-2), except an
 * unreadable one that is known to be this principal's.
 * @throws ArcpError `JOB_NOT_FOUND`
 */
export async function observableJob(
  services: Services,
  principal: string,
  id: JobId,
): Promise<KnownJob> {
  const isVisible = (job: Observed): boolean => mayObserve(services, principal, job);
  const job = await findJob(services, id, isVisible).catch((error: unknown) => {
    if (!(error instanceof DamagedRow)) throw error;
    throw error.principal === principal ? jobDamaged(id, error) : jobNotFound();
  });
  if (job === undefined) throw jobNotFound();
  return job;
}

/** What decides who may observe a job. */
type Observed = Pick<KnownJob, "id" | "principal" | "agent">;

/**
 * Whether a principal may observe a job: its submitter always, others as the operator's policy says (R-7.6-1). If the policy fails,
 * the answer is no, because an error would reveal that the job exists (R-7.6-2).
 * @param failed called with the policy's error. Default: logs it
 */
export function mayObserve(
  { policy, logger }: Pick<Services, "policy" | "logger">,
  principal: string,
  { id, principal: submitter, agent }: Observed,
  failed = (err: unknown) => logger.error({ job: id, principal, err }, POLICY_FAILED),
): boolean {
  if (submitter === principal) return true;
  try {
    return policy.mayObserve(principal, { id, principal: submitter, agent });
  } catch (error) {
    failed(error);
    return false;
  }
}

export const POLICY_FAILED = "the policy failed when it was asked who may observe a job";

export function jobNotFound(): ArcpError {
  return new ArcpError("JOB_NOT_FOUND", "there is no such job");
}
