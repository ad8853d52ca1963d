import type { JobId, JobStatus, Lease, MessageId, SessionId, TraceContext } from "@arcp/core";
import type { Place } from "./acceptance-order.ts";
import type { DamagedJob } from "./damage.ts";

/** What is kept of a job beside its log: enough to list it, to watch it, and to run it again. */
export interface JobRow {
  readonly id: JobId;
  /** Who submitted it. */
  readonly principal: string;
  /** The session that owns it. */
  readonly session: SessionId;
  /** The session that submitted it, once another one owns it (R-7.2-8). */
  readonly submittedIn?: SessionId | undefined;
  /** What the submitting session had agreed on when it submitted: it decides what the agent may stream. */
  readonly features: readonly string[];
  /** The submit of the owning session that it came from, or by which it was adopted; undefined for a delegated job. */
  readonly request?: MessageId | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  /** What its parent calls the delegation. */
  readonly delegateId?: string | undefined;
  /** The resolved reference. */
  readonly agent: string;
  /** As JSON; undefined once it has finished, and where it would not be run again. */
  readonly input?: string | undefined;
  readonly lease: Lease;
  /** Milliseconds since 1970 from which the lease allows nothing any more. */
  readonly expiresAt?: number | undefined;
  readonly maxRuntimeSec?: number | undefined;
  readonly traceId: string;
  /** What its submit said of the trace besides; undefined for nothing. */
  readonly traceContext?: TraceContext | undefined;
  /** What the observer of its first attempt handed on of the trace, for later ones; undefined for nothing. */
  readonly firstAttempt?: TraceContext | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Milliseconds since 1970 before which it is not removed, however short the retention (R-7.2-7). */
  readonly keepUntil?: number | undefined;
  readonly status: JobStatus;
  /** Milliseconds since 1970; undefined while it is not finished. */
  readonly finishedAt?: number | undefined;
  /** What remains of its budget, once something was spent or it has finished: exact decimal text by currency. */
  readonly remaining?: Readonly<Record<string, string>> | undefined;
  /** The acknowledged wish to cancel; durable before the acknowledgement (R-7.4-1). */
  readonly cancel?: { readonly reason?: string | undefined } | undefined;
  /** The absolute directory that its relative paths and patterns belong to; undefined when there is none. */
  readonly workspace?: string | undefined;
  /** How often its agent was started; undefined for once. */
  readonly attempt?: number | undefined;
  /** What its agent begins with when it is started again, as JSON; undefined once it has finished. */
  readonly checkpoint?: string | undefined;
  /** Whether a chunk of its result was emitted: then its agent is not started again. */
  readonly streamed?: boolean | undefined;
}

/** A job without what may be large: a listing holds many at once (R-14-2). */
export type ListedJob = Omit<JobRow, "input" | "checkpoint">;

/** What may change of a job. */
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

/** Which jobs to list. Everything given has to fit. */
export interface JobQuery {
  readonly principal?: string | undefined;
  readonly session?: SessionId | undefined;
  /** The session that submitted it, where another one owns it now (R-7.2-8). */
  readonly submittedIn?: SessionId | undefined;
  /** The submit that the job came from. */
  readonly request?: MessageId | undefined;
  /** The job that delegated it. */
  readonly parent?: JobId | undefined;
  readonly statuses?: readonly JobStatus[] | undefined;
  /** `name` fits every version, `name@version` exactly one. */
  readonly agent?: string | undefined;
  /** Exclusive bounds, milliseconds since 1970. */
  readonly acceptedAfter?: number | undefined;
  readonly acceptedBefore?: number | undefined;
  /** The job behind which the page begins, whether or not it is still there. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

/** The list of all jobs. */
export interface JobIndex {
  /** Adds a job, or puts this row in the place of the one that it has. */
  insert(row: JobRow): Promise<void>;
  /** Changes what is given, and nothing else; what is given as undefined is cleared. Does nothing where there is no such job. */
  update(id: JobId, change: JobChange): Promise<void>;
  /**
   * One job, with its input and its checkpoint.
   * @throws DamagedRow when it cannot be read
   */
  get(id: JobId): Promise<JobRow | undefined>;
  /**
   * In the order of `acceptedAt` and then `id`, ascending (R-6.6-4). A job whose row cannot be read is left out, and takes no place
   * of the limit. However many jobs there are that do not fit, the event loop has its turns in between (J4).
   * @param damaged told of each that is left out
   */
  list(query: JobQuery, damaged?: (job: DamagedJob) => void): Promise<readonly ListedJob[]>;
  /** Forgets a job; its log is removed apart. */
  remove(id: JobId): Promise<void>;
}
