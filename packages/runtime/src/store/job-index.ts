import type { JobId, JobStatus, Lease, MessageId, SessionId } from "@arcp/core";

/** What is kept of a job beside its log. */
export interface JobRow {
  readonly id: JobId;
  /** Who submitted it. */
  readonly principal: string;
  /** The session that owns it. */
  readonly session: SessionId;
  /** The submit that it came from. */
  readonly request: MessageId;
  /** The resolved reference. */
  readonly agent: string;
  readonly lease: Lease;
  readonly traceId: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** The payload of the acceptance as it was sent, as JSON. */
  readonly accepted: string;
  readonly status: JobStatus;
  /** The acknowledged wish to cancel; durable before the acknowledgement (R-7.4-1). */
  readonly cancel?: { readonly reason?: string | undefined } | undefined;
}

/** The list of all jobs. Each call resolves when its change is durable. */
export interface JobIndex {
  insert(row: JobRow): Promise<void>;
  update(id: JobId, change: Partial<Pick<JobRow, "status" | "cancel">>): Promise<void>;
  get(id: JobId): Promise<JobRow | undefined>;
  remove(id: JobId): Promise<void>;
}
