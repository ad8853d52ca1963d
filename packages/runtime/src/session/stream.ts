import type { JobId, SessionId } from "@arcp/core";
import type { Cut, Run, SessionStore } from "../store/index.ts";
import type { Attachment } from "./attachment.ts";
import { Attachments } from "./attachments.ts";
import type { Deliveries } from "./deliveries.ts";
import { Journal } from "./journal.ts";
import type { Lag } from "./lag.ts";
import { Losses } from "./losses.ts";
import { OpenedAhead } from "./opened-ahead.ts";
import { Pauses } from "./pauses.ts";
import { SessionWriter } from "./session-writer.ts";
import { Trimmer } from "./trimmer.ts";

/** What all streams of a runtime share. */
export interface StreamHost {
  readonly store: SessionStore;
  /** Called with a failure to store a change that nobody waits for. */
  readonly failed: (session: SessionId, error: unknown) => void;
  /** Called for every job that a stream begins to follow. */
  readonly followed?: (stream: Stream, job: JobId) => void;
}

export interface StreamOptions {
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  readonly epoch: number;
  readonly host: StreamHost;
  /** For clients that negotiated acks. */
  readonly lag?: Lag | undefined;
  /** For clients that did not. */
  readonly deliveries?: Deliveries | undefined;
}

/**
 * The state of one session's stream: what it follows, what each number stands for, and how far it got. The same object serves the
 * session connected and parked; only a projector advances it.
 */
export class Stream {
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  readonly journal = new Journal();
  readonly writer: SessionWriter;
  readonly attachments: Attachments;
  readonly openedAhead: OpenedAhead;
  readonly losses = new Losses();
  readonly pauses = new Pauses();
  /** How far the client's acks lag behind; undefined if acks were not negotiated. */
  readonly lag: Lag | undefined;
  /** When the client was last sent something of each job; undefined if it sends acks. */
  readonly deliveries: Deliveries | undefined;
  /**
   * How far a replay has come. What it still has to repeat is kept, even if acknowledged (R-6.5-1). Infinite if none is running.
   */
  repeated = Number.POSITIVE_INFINITY;
  readonly #trimmer = new Trimmer(this.journal);

  constructor({ session, features, epoch, host, lag, deliveries }: StreamOptions) {
    this.session = session;
    this.features = features;
    this.lag = lag;
    this.deliveries = deliveries;
    this.writer = new SessionWriter({ session, store: host.store, epoch, failed: host.failed });
    this.openedAhead = new OpenedAhead(this.journal, this.writer);
    this.attachments = new Attachments({
      journal: this.journal,
      writer: this.writer,
      losses: this.losses,
      followed: (job) => host.followed?.(this, job),
    });
  }

  /** The highest `event_seq` ever handed to a connection; 0 before the first. */
  get issued(): number {
    return this.journal.issued;
  }

  /**
   * Follows a job that was just accepted for this session. If no other job can take the next numbers, the run that explains them is
   * stored now: the order of the store calls makes it durable no later than the job's first record.
   *
   * @param connected whether a projector can number the job's records; no other one may be about to commit runs
   * @returns undefined if the session was forgotten meanwhile
   */
  own(job: JobId, connected: boolean): Attachment | undefined {
    const { attachments, journal, issued } = this;
    // The session may have come across the job before its acceptance.
    if (attachments.has(job) || journal.count(job) > 0) return attachments.attach(job, "owner", 0);
    const alone = attachments.size === 0;
    const attachment = attachments.derive(job);
    if (attachment !== undefined && connected && alone) {
      this.openedAhead.open({ from: issued + 1, job, jobFrom: 1, role: "owner" });
    }
    return attachment;
  }

  /** The client has handled everything up to `seq`. No effect if acks were not negotiated (R-6.5-4). */
  acknowledge(seq: number): void {
    if (this.lag?.acknowledge(seq, this.issued)) this.writer.note({ acked: seq });
    if (this.lag?.acked !== seq) return;
    this.#trimmer.acknowledged(seq);
    this.trim();
  }

  /** Whether the session still has to read this job, for the first time or again. */
  reads(job: JobId): boolean {
    return this.attachments.has(job) || this.journal.lastRecord(job) > this.repeated;
  }

  /**
   * Whether the session still has to read this job, or its client still has to acknowledge it; without acks, whether some of it was
   * sent so recently that it may not have arrived (R-6.5-3, R-14-3).
   */
  holds(job: JobId): boolean {
    if (this.reads(job)) return true;
    if (this.lag === undefined) return this.deliveries?.isRecent(job) ?? false;
    return this.journal.lastRecord(job) > this.lag.acked;
  }

  /**
   * Prepares for the removal of the job: stores how far the last numbers went, which only its log tells so far.
   * @returns once that is durable
   * @throws Error if it could not be stored; the log must stay then
   */
  async release(job: JobId): Promise<void> {
    await this.openedAhead.settled;
    const { last } = this.journal;
    if (last?.job !== job || last.from > this.issued) return;
    // Even if it was closed before, since that may not have been stored.
    this.journal.close();
    await this.writer.settle({ cut: [{ from: this.issued + 1, to: this.issued }] });
  }

  /**
   * The jobs were removed, so nobody can ask for their numbers any more.
   * @param now whether to trim the journal immediately instead of when it is worth it
   */
  removed(jobs: readonly JobId[], now = false): void {
    for (const job of jobs) {
      this.deliveries?.forget(job);
      this.losses.forget(job);
      this.#trimmer.removed(job);
    }
    this.trim(now);
  }

  /**
   * Prepares for forgetting the session. What stays translates the numbers of its own jobs (R-6.3-18).
   * @returns what to store
   */
  retire(): readonly Cut[] {
    const { issued } = this;
    const gone = this.writer.isRetired || this.journal.size === 0;
    this.writer.retire();
    if (gone) return [];
    const swept = this.#trimmer.sweep({ acked: issued, holds: (run) => this.#tellsPlace(run) });
    this.journal.close();
    return [...swept, { from: issued + 1, to: Number.MAX_SAFE_INTEGER }];
  }

  /** This epoch issues no more numbers: stores how far they went. */
  parked(epoch: number): void {
    const acked = this.lag && { acked: this.lag.acked };
    void this.writer.reported(this.writer.commit({ issued: this.issued, ...acked }, epoch));
  }

  /**
   * Drops runs that nobody can ask for any more, once that is worth it, and the oldest ones if there are too many.
   * @param now whether to drop them all immediately
   */
  trim(now = false): void {
    const cut = this.#trimmer[now ? "sweep" : "trim"]({
      acked: this.lag?.acked ?? 0,
      holds: (run, lastSeq) =>
        lastSeq > this.repeated ||
        this.#tellsPlace(run) ||
        // If the run opened ahead fails to be stored, this run alone tells how far the numbers went.
        (this.openedAhead.settled !== undefined && lastSeq >= this.issued) ||
        // The run shows that the client was notified of a lag that it still has (R-6.5-8).
        (run.said !== undefined && this.lag?.isWarned === true),
    });
    if (cut.length > 0) this.writer.note({ cut });
  }

  /** Whether the run tells how far the session has read a job that it follows. */
  #tellsPlace(run: Run): boolean {
    return this.attachments.has(run.job) && this.journal.tellsPlace(run);
  }
}
