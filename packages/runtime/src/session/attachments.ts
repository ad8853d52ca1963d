import type { JobId, MessageId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { AttachmentRow, Role } from "../store/index.ts";
import { TransientMap } from "../transient-map.ts";
import { Attachment, type Beginning } from "./attachment.ts";
import type { Journal } from "./journal.ts";
import type { Losses } from "./losses.ts";
import type { SessionWriter } from "./session-writer.ts";

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
  /** Up to where it knows what the job has delegated, where that is not how far it has read. */
  readonly introduced?: number | undefined;
}

/** How the owner of a delegated job begins to follow it. */
export interface Child {
  readonly row: AttachmentRow;
  readonly beginning: Beginning | undefined;
}

export interface AttachmentsOptions {
  readonly journal: Journal;
  readonly writer: SessionWriter;
  readonly losses: Losses;
  /** Told of every job that it begins to follow. */
  readonly followed: (job: JobId) => void;
}

/** What one session follows, each job at most once; and, by its journal, what it has followed before. */
export class Attachments {
  readonly #journal: Journal;
  readonly #writer: SessionWriter;
  readonly #losses: Losses;
  readonly #followed: (job: JobId) => void;
  readonly #byJob = new TransientMap<JobId, Attachment>();

  constructor({ journal, writer, losses, followed }: AttachmentsOptions) {
    this.#journal = journal;
    this.#writer = writer;
    this.#losses = losses;
    this.#followed = followed;
  }

  get size(): number {
    return this.#byJob.size;
  }

  has(job: JobId): boolean {
    return this.#byJob.has(job);
  }

  get(job: JobId): Attachment | undefined {
    return this.#byJob.get(job);
  }

  [Symbol.iterator](): Iterator<Attachment> {
    return this.#byJob.values();
  }

  /** How many jobs it follows that it does not own. */
  get observed(): number {
    let count = 0;
    for (const { role } of this) if (role === "observer") count += 1;
    return count;
  }

  /** Follows on from where the process before stopped. */
  restore(attachment: Attachment): void {
    this.#byJob.set(attachment.job, attachment);
  }

  /**
   * Follows a job from behind `after`, in place of an earlier attachment to it. The change is on its way to the store
   * when this returns, in front of any run that a projector of its epoch opens for it.
   * @returns undefined when the session was forgotten meanwhile: it follows nothing any more
   */
  attach(job: JobId, role: Role, after: number, origin: Origin = {}): Attachment | undefined {
    if (this.#writer.isRetired) return undefined;
    const row = { job, role, after, since: this.#journal.issued, request: origin.request };
    const earlier = this.#byJob.get(job);
    const introduced =
      origin.introduced ??
      (earlier?.role === role ? earlier.introduced : this.introduced(job, role));
    const seen = earlier
      ? Math.max(earlier.cursor, earlier.seen)
      : (origin.seen ?? this.seen(job, role));
    const promised = earlier?.promised;
    const attachment = this.#follow(new Attachment(row, { ...origin, seen, introduced, promised }));
    this.#losses.forget(job);
    const stored = this.#writer.settle({ attach: [row] });
    attachment.stored = stored;
    void this.#writer.reported(stored).finally(() => {
      // If it failed, the session follows the job as it did before, in the store as well.
      attachment.stored = undefined;
    });
    return attachment;
  }

  /**
   * Follows a job that was just accepted for this session, and of which it has heard nothing before. That it owns the job
   * stands in the index, so there is nothing to store.
   * @returns undefined when the session was forgotten meanwhile
   */
  derive(job: JobId): Attachment | undefined {
    if (this.#writer.isRetired) return undefined;
    const row = { job, role: "owner", after: 0, since: this.#journal.issued } as const;
    return this.#follow(new Attachment(row, { derived: true }));
  }

  /** Follows a delegated job. The caller has committed the row, with the run that tells of it. */
  attachChild({ row, beginning }: Child): Attachment {
    return this.#follow(new Attachment(row, beginning));
  }

  /** In place of an earlier attachment: it may have watched the job before it came to own it. */
  #follow(attachment: Attachment): Attachment {
    const { job } = attachment;
    this.#byJob.get(job)?.unlisten();
    this.#byJob.set(job, attachment);
    this.#followed(job);
    return attachment;
  }

  /** An attachment that came in the place of `before` could not be stored, as that may not have been either. */
  undo(attachment: Attachment, before: Attachment | undefined): void {
    const { job } = attachment;
    attachment.undone = { before };
    // A session that was forgotten meanwhile follows nothing any more.
    if (this.#writer.isRetired || this.#byJob.get(job) !== attachment) return;
    let former = before;
    while (former?.undone !== undefined) former = former.undone.before;
    if (former === undefined) this.detach(job);
    else this.#follow(former);
  }

  detach(job: JobId): void {
    const attachment = this.#byJob.get(job);
    if (attachment === undefined) return;
    attachment.unlisten();
    this.#byJob.delete(job);
    if (!attachment.derived) this.#writer.note({ detach: [job] });
  }

  /** How far a job of its own was read, whatever of it is read once more; undefined for what it only watches. */
  seen(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.#journal.reached(job) || undefined;
  }

  /**
   * How far a job was read by its owner: what that tells of delegations is old news. While it only watched, it was told of
   * none.
   */
  introduced(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.#journal.reached(job, this.#journal.issued, role) || undefined;
  }

  /** Whether it follows a job, or has read some of it, as its owner. */
  knows(job: JobId): boolean {
    return this.#byJob.get(job)?.role === "owner" || this.introduced(job, "owner") !== undefined;
  }

  /** Whether it has still to come across a delegated job, or one above that (R-10-2). */
  awaits(job: JobId, lineage: Lineage): boolean {
    if (this.knows(job)) return false;
    return lineage.some(({ job: above, announcedAt }) => {
      const attachment = this.#byJob.get(above);
      return attachment?.role === "owner" && attachment.introduced < announcedAt;
    });
  }
}
