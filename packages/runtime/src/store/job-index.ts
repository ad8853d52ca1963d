import type { JobId, JobStatus, Lease, MessageId, SessionId, TraceContext } from "@arcp/core";
import type { Place } from "./acceptance-order.ts";
import type { DamagedJob } from "./damage.ts";

/** A request to cancel a job: what its terminal error says. */
export interface Cancel {
  /** For humans. */
  readonly reason?: string | undefined;
  /** For programs; undefined if somebody requested it. */
  readonly details?: { readonly reason: string } | undefined;
}

/** What is kept of a job besides its log: enough to list it, to watch it, and to run it again. */
export interface JobRow {
  readonly id: JobId;
  /** Who submitted it. */
  readonly principal: string;
  /** The session that owns it. */
  readonly session: SessionId;
  /** The session that submitted it, if another one owns it now (R-7.2-8). */
  readonly submittedIn?: SessionId | undefined;
  /** The features that the submitting session had agreed on when it submitted: they decide what the agent may stream. */
  readonly features: readonly string[];
  /** The submit of the owning session that started or adopted the job; undefined for a delegated job. */
  readonly request?: MessageId | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  /** What its parent calls the delegation. */
  readonly delegateId?: string | undefined;
  /** The resolved reference. */
  readonly agent: string;
  /** As JSON; undefined once it has finished, and if it would not be run again. */
  readonly input?: string | undefined;
  readonly lease: Lease;
  /** When the lease expires, in milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  readonly maxRuntimeSec?: number | undefined;
  readonly traceId: string;
  /** The rest of the trace context in its submit; undefined if there was none. */
  readonly traceContext?: TraceContext | undefined;
  /** The trace context that the observer of its first attempt passed on, for later attempts; undefined if there was none. */
  readonly firstAttempt?: TraceContext | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** It is not removed before this time, in milliseconds since 1970, however short the retention (R-7.2-7). */
  readonly keepUntil?: number | undefined;
  readonly status: JobStatus;
  /** Milliseconds since 1970; undefined while it is not finished. */
  readonly finishedAt?: number | undefined;
  /** What remains of its budget, as exact decimal text by currency; set once something was spent or the job has finished. */
  readonly remaining?: Readonly<Record<string, string>> | undefined;
  /** The acknowledged cancel; durable before the acknowledgement (R-7.4-1). */
  readonly cancel?: Cancel | undefined;
  /** The absolute directory that its relative paths and patterns are resolved against; undefined if there is none. */
  readonly workspace?: string | undefined;
  /** How often its agent was started; undefined means once. */
  readonly attempt?: number | undefined;
  /** The checkpoint that its agent gets when it is started again, as JSON; undefined once the job has finished. */
  readonly checkpoint?: string | undefined;
  /** Whether a chunk of its result has been emitted: if so, its agent is not started again. */
  readonly streamed?: boolean | undefined;
}

/** A job without its potentially large fields, because a listing holds many at once (R-14-2). */
export type ListedJob = Omit<JobRow, "input" | "checkpoint">;

/** The fields of a job that may change. */
export type JobChange = Partial<
  Pick<
    JobRow,
    | "session"
    | "submittedIn"
    | "request"
    | "status"
    | "finishedAt"
    | "remaining"
    | "cancel"
    | "attempt"
    | "input"
    | "checkpoint"
    | "streamed"
  >
>;

/** Which jobs to list. Everything given has to match. */
export interface JobQuery {
  readonly principal?: string | undefined;
  readonly session?: SessionId | undefined;
  /** The session that submitted it, if another one owns it now (R-7.2-8). */
  readonly submittedIn?: SessionId | undefined;
  /** The submit that the job came from. */
  readonly request?: MessageId | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  readonly statuses?: readonly JobStatus[] | undefined;
  /** `name` matches every version, `name@version` exactly one. */
  readonly agent?: string | undefined;
  /** Exclusive bounds, milliseconds since 1970. */
  readonly acceptedAfter?: number | undefined;
  readonly acceptedBefore?: number | undefined;
  /** The page begins after this job, whether or not it still exists. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

/** The list of all jobs. */
export interface JobIndex {
  /** Adds a job, or replaces its row. */
  insert(row: JobRow): Promise<void>;
  /** Changes the given fields and no others; a field given as undefined is cleared. Does nothing if there is no such job. */
  update(id: JobId, change: JobChange): Promise<void>;
  /**
   * One job, with its input and its checkpoint.
   * @throws DamagedRow if it cannot be read
   */
  get(id: JobId): Promise<JobRow | undefined>;
  /**
   * Lists jobs in the order of `acceptedAt` and then `id`, ascending (R-6.6-4). A job whose row cannot be read is left out and does
   * not count towards the limit. However many jobs do not match, the call yields to the event loop in between (J4).
   * @param damaged called for each job that is left out
   */
  list(query: JobQuery, damaged?: (job: DamagedJob) => void): Promise<readonly ListedJob[]>;
  /** Forgets a job; its log is removed separately. */
  remove(id: JobId): Promise<void>;
}
