import type { JobId, JobStatus, SessionId, TraceContext } from "@arcp/core";

/** What stays the same for a job from its acceptance to its end. */
export interface JobIdentity {
  readonly id: JobId;
  readonly principal: string;
  /** The session that submitted it; its features decide what the agent may stream. */
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  /** The trace context of the submit; undefined if it had none. */
  readonly traceContext?: TraceContext | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly maxRuntimeSec: number | undefined;
  /** When the lease expires, in milliseconds since 1970; undefined if it does not. */
  readonly expiresAt?: number | undefined;
  /** How many attempts its agent may have. */
  readonly attempts: number;
  /** Seconds without an event after which the job is ended; undefined for no limit. */
  readonly stallSec: number | undefined;
  /** Milliseconds since 1970 before which the job is not removed, however short the retention (R-7.2-7). */
  readonly keepUntil?: number | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  /** The parent's name for the delegation (R-10-2). */
  readonly delegateId?: string | undefined;
}

/** What the store holds of a job's earlier attempts. */
export interface Legacy {
  /** The number of the attempt that begins now, at least 2. */
  readonly attempt: number;
  readonly status: JobStatus;
  /** The `job_seq` of the last record. */
  readonly head: number;
  /** The session that owns it now. */
  readonly owner: SessionId;
  /** What remained of its budget, as exact decimal text by currency. */
  readonly remaining: Readonly<Record<string, string>> | undefined;
  /** The latest value of `ctx.checkpoint`, as JSON. */
  readonly checkpoint: string | undefined;
}
