import type { JobId, JobStatus, SessionId, TraceContext } from "@arcp/core";

/** What a job is, from its acceptance to its end. */
export interface JobIdentity {
  readonly id: JobId;
  readonly principal: string;
  /** The session that submitted it; its features decide what the agent may stream. */
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  /** What its submit said of the trace besides; undefined for nothing. */
  readonly traceContext?: TraceContext | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly maxRuntimeSec: number | undefined;
  /** Milliseconds since 1970 from which its lease allows nothing any more; undefined when it does not expire. */
  readonly expiresAt?: number | undefined;
  /** How often its agent may be started. */
  readonly attempts: number;
  /** Seconds without an event after which it is ended; undefined for as long as it likes. */
  readonly stallSec: number | undefined;
  /** Milliseconds since 1970 before which it is not removed, however short the retention (R-7.2-7). */
  readonly keepUntil?: number | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  /** What its parent calls the delegation (R-10-2). */
  readonly delegateId?: string | undefined;
}

/** What an earlier attempt of a job left behind, as the store tells it. */
export interface Legacy {
  /** The number of the attempt that comes now, from 2. */
  readonly attempt: number;
  readonly status: JobStatus;
  /** The `job_seq` of the last record. */
  readonly head: number;
  /** The session that owns it by now. */
  readonly owner: SessionId;
  /** What remained of its budget: exact decimal text by currency. */
  readonly remaining: Readonly<Record<string, string>> | undefined;
  /** What the agent gave to `ctx.checkpoint` last, as JSON. */
  readonly checkpoint: string | undefined;
}
