import type { JobId, ProvisionedCredential } from "@arcp/core";
import type { Observation } from "../observation.ts";
import type { JobLogContext } from "./job-log.ts";

/** What all jobs of a runtime share. */
export interface JobContext extends JobLogContext {
  /** Milliseconds that an agent has to stop after a cancel. */
  readonly cancelGrace: number;
  /** Whether a job ends when its lease expires, rather than with its next operation (R-9.5-3). */
  readonly endsAtExpiry: boolean;
  /** Whether a job ends with the first operation that an exhausted budget refuses (R-9.6-7). */
  readonly endsAtExhaustion: boolean;
  /** The models that a lease without `model.use` allows (R-9.7-2). */
  readonly openModels: ReadonlySet<string>;
  readonly credentials: HeldCredentials;
  /** Observes the jobs; undefined if nobody does. */
  readonly observation?: Observation | undefined;
}

/** The part of the provisioned credentials that jobs use. */
export interface HeldCredentials {
  /** The current credentials by provisioner name. */
  of(job: JobId): ReadonlyMap<string, ProvisionedCredential>;
  /** Begins to revoke a job's credentials; called in the turn in which the job's end is written (R-9.8-7). */
  revoke(job: JobId): void;
}
