import type { JobId, MessageId, SessionId } from "@arcp/core";
import type { CommitOutcome, Role, SessionChange, SessionStore } from "../store/index.ts";
import { Attachment } from "./attachment.ts";
import { Journal } from "./journal.ts";
import type { Lag } from "./lag.ts";

/** What an observer's attachment came from. */
export interface Origin {
  /** The `job.subscribe`. */
  readonly request?: MessageId | undefined;
  /** How far the log reached at that moment. */
  readonly head?: number | undefined;
}

/**
 * The stream of one session as it stands: what it follows, which record each number belongs to, and how far it got.
 * Connected or parked, it is the same object; only a projector moves it forward.
 */
export class Stream {
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  readonly journal = new Journal();
  readonly attachments = new Map<JobId, Attachment>();
  /** The highest `event_seq` that was ever handed to a connection; 0 before the first. */
  issued = 0;
  /** How far its client is behind with its acks; undefined when it did not agree to send any. */
  readonly lag: Lag | undefined;
  #epoch: number;
  readonly #store: SessionStore;
  readonly #failed: (error: unknown) => void;
  #claimed: Promise<unknown> = Promise.resolve();

  /** @param failed told of a change that could not be stored and that nobody waits for */
  constructor(
    session: SessionId,
    features: ReadonlySet<string>,
    store: SessionStore,
    epoch: number,
    failed: (error: unknown) => void,
    lag?: Lag,
  ) {
    this.session = session;
    this.features = features;
    this.#store = store;
    this.#epoch = epoch;
    this.#failed = failed;
    this.lag = lag;
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
      const outcome = await this.#store.claim(this.session, epoch, valid);
      if (outcome === "committed") this.#epoch = epoch + 1;
      return outcome;
    });
    this.#claimed = claim.catch(() => {});
    return claim;
  }

  /** @param epoch of whoever commits: a projector's own, so that an overtaken one fails */
  commit(change: SessionChange, epoch: number = this.#epoch): Promise<CommitOutcome> {
    return this.#store.commit(this.session, epoch, change);
  }

  /**
   * Follows a job from behind `after`, in place of an earlier attachment to it. The change is on its way to the store
   * when this returns, in front of any run that the projector opens for it.
   */
  attach(job: JobId, role: Role, after: number, origin: Origin = {}): Attachment {
    const row = { job, role, after, since: this.issued, request: origin.request };
    const earlier = this.attachments.get(job);
    earlier?.unlisten?.();
    const seen = Math.max(earlier?.cursor ?? 0, earlier?.seen ?? 0);
    const attachment = new Attachment(row, { seen, head: origin.head ?? 0 });
    this.attachments.set(job, attachment);
    this.#note({ attach: [row] });
    return attachment;
  }

  detach(job: JobId): void {
    const attachment = this.attachments.get(job);
    if (attachment === undefined) return;
    attachment.unlisten?.();
    this.attachments.delete(job);
    this.#note({ detach: [job] });
  }

  /** The jobs of its own of which a client that has seen `after` has seen nothing yet. */
  unseen(after: number): JobId[] {
    const seen = this.journal.ownedUpTo(after);
    const told = this.journal.ownedUpTo(this.issued);
    for (const { job, role } of this.attachments.values()) if (role === "owner") told.add(job);
    return [...told].filter((job) => !seen.has(job));
  }

  /** The client has handled everything up to `seq`. Without the feature that has no effect (R-6.5-4). */
  acknowledge(seq: number): void {
    if (this.lag?.acknowledge(seq, this.issued)) this.#note({ acked: seq });
  }

  /** Whether its client agreed to send acks and owes one for a record of this job (R-6.5-3). */
  awaitsAck(job: JobId): boolean {
    if (this.lag === undefined) return false;
    const spans = this.journal.spans(this.lag.acked + 1, this.issued);
    for (const span of spans) if (span.job === job && span.said === undefined) return true;
    return false;
  }

  /** No number will be issued by this epoch any more: writes down how far it got. */
  parked(epoch: number): void {
    const acked = this.lag && { acked: this.lag.acked };
    this.commit({ issued: this.issued, ...acked }, epoch).catch(this.#failed);
  }

  /** Commits what nothing has to wait for. */
  #note(change: SessionChange): void {
    this.commit(change).catch(this.#failed);
  }
}
