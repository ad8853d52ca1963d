import type { JobId, JobStatus, Lease, SessionId } from "@arcp/core";

/** What others may know of a job, running or finished, as its log tells it (J2). */
export interface KnownJob {
  readonly id: JobId;
  readonly principal: string;
  /** The session that owns it. */
  readonly session: SessionId;
  /** The session that submitted it: its numbers are meant by `from_event_seq` and `last_event_seq`. */
  readonly submittedIn: SessionId;
  /** The job that delegated it. */
  readonly parent: JobId | undefined;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  readonly lease: Lease;
  /** Milliseconds since 1970; undefined when its lease does not expire. */
  readonly expiresAt: number | undefined;
  readonly status: JobStatus;
  /** The `job_seq` of the last durable record. */
  readonly lastSeq: number;
  /** The `job_seq` behind which everything is still to come; of an ended job its terminal record is (R-7.6-6). */
  readonly liveAfter: number;
  /** What remains of its budget, for `JSON.stringify`; undefined when it has none. */
  readonly remaining: object | undefined;
}
