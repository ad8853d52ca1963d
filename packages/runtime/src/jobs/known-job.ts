import type { JobId, JobStatus, Lease, SessionId } from "@arcp/core";

/** What others may know of a job, running or finished, according to its log (J2). */
export interface KnownJob {
  readonly id: JobId;
  readonly principal: string;
  /** The session that owns it. */
  readonly session: SessionId;
  /** The session that submitted it, whose numbers `from_event_seq` and `last_event_seq` refer to. */
  readonly submittedIn: SessionId;
  /** The job that delegated it. */
  readonly parent: JobId | undefined;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  readonly lease: Lease;
  /** Milliseconds since 1970; undefined if its lease does not expire. */
  readonly expiresAt: number | undefined;
  readonly status: JobStatus;
  /** The `job_seq` of the last durable record. */
  readonly lastSeq: number;
  /** The `job_seq` after which everything is live; for an ended job, its terminal record still is (R-7.6-6). */
  readonly liveAfter: number;
  /** What remains of its budget, for `JSON.stringify`; undefined if it has none. */
  readonly remaining: object | undefined;
}
