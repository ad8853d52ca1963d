import { ArcpError, type JobId } from "@arcp/core";
import { jobDamaged } from "../jobs/ending.ts";
import { findJob } from "../jobs/finished-job.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import { DamagedRow } from "../store/damage.ts";
import type { Services } from "./services.ts";

/** The job that a request is about, named in its envelope, its payload, or both alike. @throws ArcpError */
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
 * The job, if this principal may know of it. An unknown job and a hidden one are refused alike (R-7.6-2), and so is one that
 * cannot be read, unless it is known to be this principal's.
 * @throws ArcpError `JOB_NOT_FOUND`
 */
export async function observableJob(
  services: Services,
  principal: string,
  id: JobId,
): Promise<KnownJob> {
  const job = await findJob(services, id).catch((error: unknown) => {
    if (!(error instanceof DamagedRow)) throw error;
    throw error.principal === principal ? jobDamaged(id, error) : jobNotFound();
  });
  if (job === undefined || !mayObserve(services, principal, job)) throw jobNotFound();
  return job;
}

/**
 * The submitter always may, and whoever the operator's policy names (R-7.6-1). Nobody whom it fails for: that it was asked would
 * tell that there is such a job (R-7.6-2).
 * @param failed is given what it threw. Default: logs it
 */
export function mayObserve(
  { policy, logger }: Pick<Services, "policy" | "logger">,
  principal: string,
  { id, principal: submitter, agent }: Pick<KnownJob, "id" | "principal" | "agent">,
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
