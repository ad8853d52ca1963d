import type { JobId, MessageId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { AttachmentRow, Role } from "../store/index.ts";
import { TransientMap } from "../transient-map.ts";
import { Attachment, type Beginning } from "./attachment.ts";
import type { Journal } from "./journal.ts";
import type { Losses } from "./losses.ts";
import type { SessionWriter } from "./session-writer.ts";

/** What an attachment originates from. */
export interface Origin extends Omit<Beginning, "promised" | "derived"> {
  /** The `job.subscribe`, or a submit that was answered with an existing job. */
  readonly request?: MessageId | undefined;
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
  /** Called for every job that the session begins to follow. */
  readonly followed: (job: JobId) => void;
}

/** The jobs that one session follows, each at most once; the journal adds which jobs it followed before. */
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

  /** How many jobs the session follows without owning them. */
  get observed(): number {
    let count = 0;
    for (const { role } of this) if (role === "observer") count += 1;
    return count;
  }

  /** Restores an attachment from the previous process. */
  restore(attachment: Attachment): void {
    this.#byJob.set(attachment.job, attachment);
  }

  /**
   * Follows a job from after `after`, replacing an earlier attachment to it. On return, the change has been handed to the store,
   * ahead of any run that a projector of the same epoch opens for the job. If it cannot be stored, it holds until a restart.
   * @returns undefined if the session was forgotten meanwhile and therefore follows nothing
   */
  attach(job: JobId, role: Role, after: number, origin?: Origin): Attachment | undefined {
    return this.#begin(job, role, after, origin)?.attachment;
  }

  /** Like {@link attach}, but if it cannot be stored, it has to be undone: see {@link undo}. */
  try(job: JobId, role: Role, after: number, origin?: Origin): Attachment | undefined {
    const before = this.#byJob.get(job);
    const begun = this.#begin(job, role, after, origin);
    begun?.attachment.try(begun.stored, before);
    return begun?.attachment;
  }

  #begin(
    job: JobId,
    role: Role,
    after: number,
    origin: Origin = {},
  ): { readonly attachment: Attachment; readonly stored: Promise<void> } | undefined {
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
    void this.#writer.reported(stored);
    return { attachment, stored };
  }

  /**
   * Follows a job that was just accepted for this session, which has not heard of it before. The job index already names the owner,
   * so there is nothing to store.
   * @returns undefined if the session was forgotten meanwhile
   */
  derive(job: JobId): Attachment | undefined {
    if (this.#writer.isRetired) return undefined;
    const row = { job, role: "owner", after: 0, since: this.#journal.issued } as const;
    return this.#follow(new Attachment(row, { derived: true }));
  }

  /** Follows a delegated job. The caller has committed the row, together with the run of the record that announces it. */
  attachChild({ row, beginning }: Child): Attachment {
    return this.#follow(new Attachment(row, beginning));
  }

  /** Replaces an earlier attachment, as the session may have watched the job before it came to own it. */
  #follow(attachment: Attachment): Attachment {
    const { job } = attachment;
    this.#byJob.get(job)?.unlisten();
    this.#byJob.set(job, attachment);
    this.#followed(job);
    return attachment;
  }

  /** Returns from an attachment that could not be stored to the one from before. No effect if that has happened. */
  undo(attachment: Attachment): void {
    const { job, lasting } = attachment;
    // A session that was forgotten meanwhile follows nothing.
    if (this.#writer.isRetired || this.#byJob.get(job) !== attachment) return;
    if (lasting === undefined) this.detach(job);
    else this.#follow(lasting);
  }

  detach(job: JobId): void {
    const attachment = this.#byJob.get(job);
    if (attachment === undefined) return;
    attachment.unlisten();
    this.#byJob.delete(job);
    if (!attachment.derived) this.#writer.note({ detach: [job] });
  }

  /** How far the session has read a job of its own, not counting repeated reads; undefined for a job that it only watches. */
  seen(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.#journal.reached(job) || undefined;
  }

  /**
   * Up to which `job_seq` the session has read the job as its owner, so that delegations up to there are known to it. A mere
   * observer is not told of delegations.
   */
  introduced(job: JobId, role: Role): number | undefined {
    if (role !== "owner") return undefined;
    return this.#journal.reached(job, this.#journal.issued, role) || undefined;
  }

  /** Whether the session follows the job as its owner, or has read some of it as such. */
  knows(job: JobId): boolean {
    return this.#byJob.get(job)?.role === "owner" || this.introduced(job, "owner") !== undefined;
  }

  /** Whether the session has yet to learn of a delegated job, or of one of its ancestors (R-10-2). */
  awaits(job: JobId, lineage: Lineage): boolean {
    if (this.knows(job)) return false;
    return lineage.some(({ job: above, announcedAt }) => {
      const attachment = this.#byJob.get(above);
      return attachment?.role === "owner" && attachment.introduced < announcedAt;
    });
  }
}
