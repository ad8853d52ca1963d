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
  /** Told of a change that could not be stored and that nobody waits for. */
  readonly failed: (session: SessionId, error: unknown) => void;
  /** Told of every job that a stream begins to follow. */
  readonly followed?: (stream: Stream, job: JobId) => void;
}

export interface StreamOptions {
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  readonly epoch: number;
  readonly host: StreamHost;
  /** For a client that agreed to send acks. */
  readonly lag?: Lag | undefined;
  /** For one that did not. */
  readonly deliveries?: Deliveries | undefined;
}

/**
 * The stream of one session as it stands: what it follows, which record each number belongs to, and how far it got.
 * Connected or parked, it is the same object; only a projector moves it forward.
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
  /** How far its client is behind with its acks; undefined when it did not agree to send any. */
  readonly lag: Lag | undefined;
  /** When it was last sent something of a job; undefined for a client that sends acks. */
  readonly deliveries: Deliveries | undefined;
  /** How far a replay has come: what it has still to repeat stays, acknowledged or not (R-6.5-1). Infinite without one. */
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

  /** The highest `event_seq` that was ever handed to a connection; 0 before the first. */
  get issued(): number {
    return this.journal.issued;
  }

  /**
   * Follows a job that was just accepted for this session. What the next numbers mean is stored at once, if nothing else may
   * take them: that run is durable no later than the job's first record, by the order in which the store is asked.
   *
   * @param connected whether a projector can number the job's records; no other one may be about to commit runs
   * @returns undefined when the session was forgotten meanwhile
   */
  own(job: JobId, connected: boolean): Attachment | undefined {
    const { attachments, journal, issued } = this;
    // It may have come across the job before it was told of it.
    if (attachments.has(job) || journal.count(job) > 0) return attachments.attach(job, "owner", 0);
    const alone = attachments.size === 0;
    const attachment = attachments.derive(job);
    if (attachment !== undefined && connected && alone) {
      this.openedAhead.open({ from: issued + 1, job, jobFrom: 1, role: "owner" });
    }
    return attachment;
  }

  /** The client has handled everything up to `seq`. Without the feature that has no effect (R-6.5-4). */
  acknowledge(seq: number): void {
    if (this.lag?.acknowledge(seq, this.issued)) this.writer.note({ acked: seq });
    if (this.lag?.acked !== seq) return;
    this.#trimmer.acknowledged(seq);
    this.trim();
  }

  /** Whether it still has to read this job, for the first time or once more. */
  reads(job: JobId): boolean {
    return this.attachments.has(job) || this.journal.lastRecord(job) > this.repeated;
  }

  /**
   * Whether it still has to read this job; or its client, having read it, to acknowledge it; or, where clients do not,
   * was sent some of it so lately that it may not have arrived (R-6.5-3, R-14-3).
   */
  holds(job: JobId): boolean {
    if (this.reads(job)) return true;
    if (this.lag === undefined) return this.deliveries?.isRecent(job) ?? false;
    return this.journal.lastRecord(job) > this.lag.acked;
  }

  /**
   * The job is about to be removed: what its log alone can tell is written down, how far the last numbers went.
   * @returns once that is durable
   * @throws Error when it could not be stored: then the log has to stay
   */
  async release(job: JobId): Promise<void> {
    await this.openedAhead.settled;
    const { last } = this.journal;
    if (last?.job !== job || last.from > this.issued) return;
    // Also when it was closed before: that may not have been stored.
    this.journal.close();
    await this.writer.settle({ cut: [{ from: this.issued + 1, to: this.issued }] });
  }

  /**
   * The jobs were removed: their numbers can be asked for no more.
   * @param now whether the journal lets go of them at once, instead of when it is worth it
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
   * The session is about to be forgotten: what stays translates the numbers of its own jobs (R-6.3-18).
   * @returns what has to be stored for it
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

  /** No number will be issued by this epoch any more: writes down how far it got. */
  parked(epoch: number): void {
    const acked = this.lag && { acked: this.lag.acked };
    void this.writer.reported(this.writer.commit({ issued: this.issued, ...acked }, epoch));
  }

  /**
   * Lets go of runs that nobody can ask for any more, once that is worth it, and of the oldest where there are too many.
   * @param now whether all of them go at once
   */
  trim(now = false): void {
    const cut = this.#trimmer[now ? "sweep" : "trim"]({
      acked: this.lag?.acked ?? 0,
      holds: (run, lastSeq) =>
        lastSeq > this.repeated ||
        this.#tellsPlace(run) ||
        // Should the run behind it not come to be stored, it alone tells how far the numbers went.
        (this.openedAhead.settled !== undefined && lastSeq >= this.issued) ||
        // It tells that the session was told of a lag that it still has (R-6.5-8).
        (run.said !== undefined && this.lag?.isWarned === true),
    });
    if (cut.length > 0) this.writer.note({ cut });
  }

  /** Whether the run tells how far the session has read a job that it follows. */
  #tellsPlace(run: Run): boolean {
    return this.attachments.has(run.job) && this.journal.tellsPlace(run);
  }
}
