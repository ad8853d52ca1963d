import { ArcpError, type JobId } from "@arcp/core";
import type { Job } from "../jobs/job.ts";
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
 * The job, if this principal may know of it. An unknown job and a hidden one are refused alike (R-7.6-2).
 * @throws ArcpError `JOB_NOT_FOUND`
 */
export function observableJob({ jobs, policy }: Services, principal: string, id: JobId): Job {
  const job = jobs.get(id);
  if (job !== undefined) {
    const { principal: submitter, agent } = job.identity;
    if (submitter === principal) return job;
    if (policy.mayObserve(principal, { id, principal: submitter, agent })) return job;
  }
  throw jobNotFound();
}

export function jobNotFound(): ArcpError {
  return new ArcpError("JOB_NOT_FOUND", "there is no such job");
}
