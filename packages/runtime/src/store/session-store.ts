import type { JobId, MessageId, SessionId } from "@arcp/core";

/** Whether a session submitted the job or only watches it. Fixed when the attachment is made (P2). */
export type Role = "owner" | "observer";

/**
 * An open run of a session's journal: `from` is the `event_seq` of the job's record `jobFrom`, and the numbers that
 * follow belong to the records that follow, up to the next run's `from` or the first record that the viewer may not
 * see. Its length is never stored.
 */
export interface Run {
  readonly from: number;
  readonly job: JobId;
  readonly jobFrom: number;
  readonly role: Role;
  /**
   * Set if the session itself says something, such as that its client lags behind: the text that stands under `from` in place of a
   * record. Such a run is about `job`, was caused by its record `jobFrom`, and covers `from` alone.
   */
  readonly said?: string | undefined;
  /**
   * The last number that the run covers, if the next run does not tell: the one after it is gone, or nothing may follow. From there
   * to the next run's `from`, the numbers no longer mean anything.
   */
  readonly to?: number | undefined;
}

/**
 * Numbers that no longer mean anything: the runs that begin at `from` to `to` are gone, and the one before them, if there is one,
 * covers nothing from `from` on. If `to` is below `from`, only that one is closed.
 */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

/** A session follows a job. */
export interface AttachmentRow {
  readonly job: JobId;
  readonly role: Role;
  /** The `job_seq` after which it began to read. */
  readonly after: number;
  /** The session's highest `event_seq` at that moment: runs above it tell how far it has read since. */
  readonly since: number;
  /** The `job.subscribe` that an observer's attachment came from. */
  readonly request?: MessageId | undefined;
}

/** What is kept of a session. */
export interface SessionRow {
  readonly id: SessionId;
  readonly principal: string;
  /** Pinned by the first welcome (R-6.3-16). */
  readonly features: readonly string[];
  /** Raised by every resume; whoever holds the highest owns the session (P5). */
  readonly epoch: number;
  /** Hashes of the valid tokens: the newest confirmed one, then those issued after it (R-6.3-7). */
  readonly tokens: readonly string[];
  /**
   * The highest `event_seq` that had been handed to a connection when the session was last parked; undefined while it is connected,
   * and after a crash.
   */
  readonly issued?: number | undefined;
  /** The highest `event_seq` that the client acknowledged (R-6.5-2). */
  readonly acked: number;
}

/** What one step of a session changes, all or nothing; `runs` apply before `cut`. It never both attaches and detaches one job. */
export interface SessionChange {
  /** Replaces every run at or above the first one's `from`: nothing was ever sent under those numbers. */
  readonly runs?: readonly Run[];
  /** Which runs are removed, ascending; never the one after which numbers are still assigned. */
  readonly cut?: readonly Cut[];
  /** Jobs that it follows from now on, after the others. One that it already follows begins anew, with this row. */
  readonly attach?: readonly AttachmentRow[];
  readonly detach?: readonly JobId[];
  /** All tokens that are valid from now on. */
  readonly tokens?: readonly string[];
  /** The session is parked; this is the highest number that it issued. */
  readonly issued?: number;
  readonly acked?: number;
  /** A submit that was refused, and its reply as JSON (R-5.4-8). The newest 1,000 of a session are kept. */
  readonly refused?: { readonly request: MessageId; readonly reply: string };
}

/** `fenced`: a later resume owns the session, or the session is gone; nothing was changed (P5). */
export type CommitOutcome = "committed" | "fenced";

/** The sessions of all principals, each changed by whoever owns its epoch. */
export interface SessionStore {
  /** Adds a session. */
  insert(row: SessionRow): Promise<void>;
  /** The session for which this token hash is valid. */
  findByToken(hash: string): Promise<SessionId | undefined>;
  /**
   * One session, unless it is forgotten.
   * @throws DamagedRow if it cannot be read
   */
  get(id: SessionId): Promise<SessionRow | undefined>;
  /** The ids of all sessions that are not forgotten. */
  list(): Promise<readonly SessionId[]>;
  /**
   * What the session follows, in the order in which it began to.
   * @throws DamagedRow if that cannot be read
   */
  attachments(id: SessionId): Promise<readonly AttachmentRow[]>;
  /**
   * The reply that a refused submit of the session got, as JSON.
   * @throws DamagedRow if it cannot be read
   */
  refusal(id: SessionId, request: MessageId): Promise<string | undefined>;
  /**
   * Takes the session over, unless somebody did so before: raises its epoch from `epoch` by one, and makes these tokens the only
   * valid ones. The session is connected then, so `issued` is undefined.
   */
  claim(id: SessionId, epoch: number, tokens: readonly string[]): Promise<CommitOutcome>;
  /** All of the change, or nothing. */
  commit(id: SessionId, epoch: number, change: SessionChange): Promise<CommitOutcome>;
  /**
   * The runs of a session, ascending: they translate its numbers, even after it was forgotten (R-6.3-18).
   * @throws DamagedRow if they cannot be read
   */
  runs(id: SessionId): Promise<readonly Run[]>;
  /** Forgets the session with its tokens and its place in every job; its runs stay. */
  forget(id: SessionId): Promise<void>;
  /**
   * Forgets the runs of a forgotten session once none of its jobs is kept any more. Does nothing if the session is not forgotten.
   */
  removeRuns(id: SessionId): Promise<void>;
}
