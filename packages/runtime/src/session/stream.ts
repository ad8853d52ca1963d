import type { JobId, MessageId, SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type {
  AttachmentRow,
  CommitOutcome,
  Role,
  Run,
  SessionChange,
  SessionStore,
} from "../store/index.ts";
import { TransientMap } from "../transient-map.ts";
import { Attachment, type Beginning } from "./attachment.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Newcomer } from "./introduction.ts";
import { Journal } from "./journal.ts";
import type { Lag } from "./lag.ts";
import { Trimmer } from "./trimmer.ts";

/** What an attachment came from. */
export interface Origin {
  /** The `job.subscribe`, or the submit that was answered with a job that there was. */
  readonly request?: MessageId | undefined;
  /** How far the log reached at that moment. */
  readonly head?: number | undefined;
  /** Whether the reply said that older history is missing. */
  readonly truncated?: boolean | undefined;
  /** Up to where an owner that never followed the job is owed nothing: what came before was not its own. */
  readonly seen?: number | undefined;
}

/** A subscription, or a history, of which records were gone before its viewer had them (P3). */
export interface Loss {
  readonly job: JobId;
  readonly request: MessageId | undefined;
}

/** How the owner of a delegated job begins to follow it. */
export interface Child {
  readonly row: AttachmentRow;
  readonly beginning: Beginning | undefined;
}

/** What all streams of a runtime share. */
export interface StreamHost {
  readonly store: SessionStore;
  /** Told of a change that could not be stored and that nobody waits for. */
  readonly failed: (stream: Stream, error: unknown) => void;
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
  readonly attachments = new TransientMap<JobId, Attachment>();
  /** The highest `event_seq` that was ever handed to a connection; 0 before the first. */
  issued = 0;
  /** How far its client is behind with its acks; undefined when it did not agree to send any. */
  readonly lag: Lag | undefined;
  /** When it was last sent something of a job; undefined for a client that sends acks. */
  readonly deliveries: Deliveries | undefined;
  /** How far a replay has come: what it has still to repeat stays, acknowledged or not (R-6.5-1). Infinite without one. */
  repeated = Number.POSITIVE_INFINITY;
  readonly #trimmer = new Trimmer(this.journal);
  /** What its client was told is lost, and how far the numbers went then. */
  #losses: Map<JobId, Loss & { readonly at: number }> | undefined;
  /** Jobs of which nothing is read, by how many ask for that. */
  #paused: Map<JobId, number> | undefined;
  readonly #host: StreamHost;
  #epoch: number;
  #claimed: Promise<unknown> = Promise.resolve();
  /** Commits that wait for a claim on its way: nobody knows yet under which epoch they will be valid. */
  #held: Array<() => void> | undefined;
  #retired = false;
  #opening: Promise<void> | undefined;

  constructor(options: StreamOptions) {
    this.session = options.session;
    this.features = options.features;
    this.lag = options.lag;
    this.deliveries = options.deliveries;
    this.#epoch = options.epoch;
    this.#host = options.host;
  }

  /** Raised by every resume. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Raises the epoch: every commit of whoever owned the session before fails from now on (P5). Claims that race here
   * take turns, so that the last one wins and none is refused for another's sake.
   * @param tokens asked when it is this claim's turn: the tokens that are valid from then on, or undefined to give up
   */
  claim(tokens: () => readonly string[] | undefined): Promise<CommitOutcome> {
    const claim = this.#claimed.then(async () => {
      const epoch = this.#epoch;
      const valid = tokens();
      if (valid === undefined) return "fenced";
      const held: Array<() => void> = [];
      this.#held = held;
      try {
        const outcome = await this.#host.store.claim(this.session, epoch, valid);
        if (outcome === "committed") this.#epoch = epoch + 1;
        return outcome;
      } finally {
        // In their order, and in front of whatever the new epoch commits.
        this.#held = undefined;
        for (const commit of held) commit();
      }
    });
    this.#claimed = claim.catch(() => {});
    return claim;
  }

  /**
   * Changes are made in the order of the calls; without an epoch they hold whoever owns the session here, and wait for a
   * claim that is on its way.
   * @param epoch of whoever commits: a projector's own, so that an overtaken one fails
   */
  commit(change: SessionChange, epoch?: number): Promise<CommitOutcome> {
    const commit = (): Promise<CommitOutcome> =>
      this.#host.store.commit(this.session, epoch ?? this.#epoch, change);
    const held = this.#held;
    if (epoch !== undefined || held === undefined) return commit();
    return new Promise((resolve, reject) => held.push(() => commit().then(resolve, reject)));
  }

  /** @throws Error when another runtime has taken the session over, and nothing was changed */
  async #settle(change: SessionChange): Promise<void> {
    if ((await this.commit(change)) === "fenced") {
      throw new Error("another runtime has taken the session over");
    }
  }

  /**
   * Follows a job from behind `after`, in place of an earlier attachment to it. The change is on its way to the store
   * when this returns, in front of any run that a projector of its epoch opens for it.
   * @returns undefined when the session was forgotten meanwhile: it follows nothing any more
   */
  attach(job: JobId, role: Role, after: number, origin: Origin = {}): Attachment | undefined {
    if (this.#retired) return undefined;
    const row = { job, role, after, since: this.issued, request: origin.request };
    const earlier = this.attachments.get(job);
    earlier?.unlisten();
    const told =
      earlier?.role === role ? Math.max(earlier.cursor, earlier.told) : this.told(job, role);
    const seen = earlier
      ? Math.max(earlier.cursor, earlier.seen)
      : (origin.seen ?? this.seen(job, role));
    const attachment = new Attachment(row, { ...origin, seen, told });
    this.attachments.set(job, attachment);
    this.#losses?.delete(job);
    this.#host.followed?.(this, job);
    const stored = this.#settle({ attach: [row] });
    attachment.stored = stored;
    void this.#reported(stored).finally(() => {
      // If it failed, the session follows the job as it did before, in the store as well.
      attachment.stored = undefined;
    });
    return attachment;
  }

  /**
   * Follows a job that was just accepted for this session. That it owns the job stands in the index, so there is nothing
   * to store but what the next numbers mean, if nothing else may take them: that run is durable no later than the job's
   * first record, by the order in which the store is asked.
   *
   * @param connected whether a projector can number the job's records; no other one may be about to commit runs
   * @returns undefined when the session was forgotten meanwhile
   */
  own(job: JobId, connected: boolean): Attachment | undefined {
    // It may have come across the job before it was told of it.
    if (this.attachments.has(job) || this.journal.count(job) > 0) {
      return this.attach(job, "owner", 0);
    }
    if (this.#retired) return undefined;
    const alone = this.attachments.size === 0;
    const row = { job, role: "owner", after: 0, since: this.issued } as const;
    const attachment = new Attachment(row, { derived: true });
    this.attachments.set(job, attachment);
    this.#host.followed?.(this, job);
    if (connected && alone)
      this.#openAhead({ from: this.issued + 1, job, jobFrom: 1, role: "owner" });
    return attachment;
  }

  /** Settles once it is known whether the run that was opened ahead is durable; undefined when that is known. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  /** From now on no number belongs to the run before it, whether or not this one comes to be stored (P1). */
  #openAhead(run: Run): void {
    this.journal.open([run]);
    const opening = this.#settle({ runs: [run] })
      .catch((error: unknown) => {
        this.journal.withdraw(run);
        this.#host.failed(this, error);
      })
      .finally(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    this.#opening = opening;
  }

  /** Nothing of the job is read, whoever comes to follow it, until `unpause` was called as often as this. */
  pause(job: JobId): void {
    this.#paused ??= new Map();
    this.#paused.set(job, (this.#paused.get(job) ?? 0) + 1);
  }

  /** @returns whether the job may be read again */
  unpause(job: JobId): boolean {
    const left = (this.#paused?.get(job) ?? 1) - 1;
    if (left > 0) this.#paused?.set(job, left);
    else this.#paused?.delete(job);
    return left === 0;
  }

  isPaused(job: JobId): boolean {
    return this.#paused?.has(job) ?? false;
  }

  /** Whether it follows a job, or has read some of it, as its owner. */
  knows(job: JobId): boolean {
    return this.attachments.get(job)?.role === "owner" || this.told(job, "owner") !== undefined;
  }

  /** Whether it has still to come across the record that tells of a delegated job, or of one above that (R-10-2). */
  awaits(job: JobId, lineage: Lineage): boolean {
    if (this.knows(job)) return false;
    return lineage.some(({ job: above, toldAt }) => {
      const attachment = this.attachments.get(above);
      return attachment?.role === "owner" && attachment.cursor < toldAt;
    });
  }

  /** @param since the number of the record that tells of the child, or a later one of the same batch */
  child({ introduction, history }: Newcomer, since: number): Child {
    const { floor, head } = history ?? { floor: 0, head: 0 };
    return {
      row: { job: introduction.job_id, role: "owner", after: floor, since },
      beginning: history && { seen: head, head, truncated: floor > 0 },
    };
  }

  /** Follows a delegated job. The caller has committed the row, with the run that tells of it. */
  attachChild({ row, beginning }: Child): Attachment {
    const attachment = new Attachment(row, beginning);
    // It may have watched the job before it came to own it.
    this.attachments.get(row.job)?.unlisten();
    this.attachments.set(row.job, attachment);
    this.#host.followed?.(this, row.job);
    return attachment;
  }

  /** How far a job of its own was read, whatever of it is read once more; undefined for what it only watches. */
  seen(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.journal.reached(job, this.issued, this.issued) || undefined;
  }

  /**
   * How far a job was read by its owner: what that tells of delegations is old news. While it only watched, it was told of
   * none.
   */
  told(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.journal.reached(job, this.issued, this.issued, role) || undefined;
  }

  /** How many jobs it follows that it does not own. */
  get observed(): number {
    let count = 0;
    for (const { role } of this.attachments.values()) if (role === "observer") count += 1;
    return count;
  }

  detach(job: JobId): void {
    const attachment = this.attachments.get(job);
    if (attachment === undefined) return;
    attachment.unlisten();
    this.attachments.delete(job);
    if (!attachment.derived) this.#note({ detach: [job] });
  }

  /** Records are gone that its client had still to see: it is about to be told. */
  lost({ job, request }: Loss): void {
    this.#losses ??= new Map();
    this.#losses.set(job, { job, request, at: this.issued });
  }

  /** What a client that has seen `after` may not have heard of: the word has no number, and goes down with a connection. */
  lossesSince(after: number): readonly Loss[] {
    return [...(this.#losses?.values() ?? [])].filter(({ at }) => at >= after);
  }

  /** The jobs of which a client that has seen `after` has seen nothing yet, or nothing as their owner. */
  unseen(after: number): Map<JobId, Role> {
    const unseen = new Map<JobId, Role>();
    // Of any other job it was told nothing that it has not seen: what is missed decides what this costs.
    const candidates = new Map<JobId, Role>();
    for (const { job } of this.journal.runs(after + 1, this.issued)) {
      candidates.set(job, this.journal.roleUpTo(job, this.issued) ?? "observer");
    }
    for (const { job, role } of this.attachments.values()) {
      const told = this.journal.roleUpTo(job, this.issued) ?? role;
      candidates.set(job, role === "owner" ? role : told);
    }
    for (const [job, role] of candidates) {
      if (this.journal.roleUpTo(job, after) !== role) unseen.set(job, role);
    }
    return unseen;
  }

  /** The client has handled everything up to `seq`. Without the feature that has no effect (R-6.5-4). */
  acknowledge(seq: number): void {
    if (this.lag?.acknowledge(seq, this.issued)) this.#note({ acked: seq });
    if (this.lag?.acked !== seq) return;
    this.#trimmer.acknowledged(seq);
    this.#trim();
  }

  /**
   * Whether it still has to read this job; or its client, having read it, to acknowledge it; or, where clients do not,
   * was sent some of it so lately that it may not have arrived (R-6.5-3, R-14-3).
   */
  holds(job: JobId): boolean {
    if (this.attachments.has(job)) return true;
    if (this.lag === undefined) return this.deliveries?.isRecent(job) ?? false;
    return this.journal.lastRecord(job, this.issued) > this.lag.acked;
  }

  /**
   * The job is about to be removed: what its log alone can tell is written down, how far the last numbers went.
   * @returns once that is durable
   * @throws Error when it could not be stored: then the log has to stay
   */
  async release(job: JobId): Promise<void> {
    await this.#opening;
    const { last } = this.journal;
    if (last?.job !== job || last.from > this.issued) return;
    // Also when it was closed before: that may not have been stored.
    this.journal.close(this.issued);
    await this.#settle({ cut: [{ from: this.issued + 1, to: this.issued }] });
  }

  /**
   * The jobs were removed: their numbers can be asked for no more.
   * @param now whether the journal lets go of them at once, instead of when it is worth it
   */
  removed(jobs: readonly JobId[], now = false): void {
    for (const job of jobs) {
      this.deliveries?.forget(job);
      this.#losses?.delete(job);
      this.#trimmer.removed(job);
    }
    this.#trim(now);
  }

  /** The session is about to be forgotten: what stays translates the numbers of its own jobs (R-6.3-18). */
  async retire(): Promise<void> {
    const { issued } = this;
    const gone = this.#retired || this.journal.size === 0;
    this.#retired = true;
    if (gone) return;
    const swept = this.#trimmer.sweep({
      issued,
      acked: issued,
      holds: (run) => this.#tellsPlace(run),
    });
    this.journal.close(issued);
    await this.#settle({ cut: [...swept, { from: issued + 1, to: Number.MAX_SAFE_INTEGER }] });
  }

  /** No number will be issued by this epoch any more: writes down how far it got. */
  parked(epoch: number): void {
    const acked = this.lag && { acked: this.lag.acked };
    void this.#reported(this.commit({ issued: this.issued, ...acked }, epoch));
  }

  #trim(now = false): void {
    const cut = this.#trimmer[now ? "sweep" : "trim"]({
      issued: this.issued,
      acked: this.lag?.acked ?? 0,
      holds: (run, lastSeq) =>
        lastSeq > this.repeated ||
        this.#tellsPlace(run) ||
        // Should the run behind it not come to be stored, it alone tells how far the numbers went.
        (this.#opening !== undefined && lastSeq >= this.issued) ||
        // It tells that the session was told of a lag that it still has (R-6.5-8).
        (run.said !== undefined && this.lag?.isTold === true),
    });
    if (cut.length > 0) this.#note({ cut });
  }

  /** Whether the run tells how far the session has read a job that it follows. */
  #tellsPlace(run: Run): boolean {
    return this.attachments.has(run.job) && this.journal.tellsPlace(run, this.issued);
  }

  /** Commits what nothing has to wait for. */
  #note(change: SessionChange): void {
    if (this.#retired) return;
    void this.#reported(this.#settle(change));
  }

  /** Nobody waits for it: a failure is told. */
  #reported(change: Promise<unknown>): Promise<unknown> {
    return change.catch((error: unknown) => this.#host.failed(this, error));
  }
}
