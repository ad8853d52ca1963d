import type { ArcpError, JobId, SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";

/** The view that a family has of its job. */
interface Member {
  readonly id: JobId;
  /** The session in which the job was delegated or submitted. */
  readonly submittedIn: SessionId;
  readonly overAt: number;
  readonly life: {
    /** Whether the job may still act. */
    readonly active: boolean;
    readonly undecided: Promise<void> | undefined;
    orphan(isAnnounced: boolean): void;
    stop(reason: () => ArcpError): void;
  };
}

/** A descendant of an adopted job that changes its owner along with it. */
export interface Adopted extends Pick<Member, "id" | "submittedIn"> {
  /** Its previous owner. */
  readonly from: SessionId;
}

const NO_LINEAGE: Lineage = [];

/** The ties of a job: the job that delegated it, the jobs that it delegates, and the session that owns it (section 10). */
export class Family {
  readonly #job: Member;
  readonly #parent: Family | undefined;
  /** The `job_seq` of the parent's record that announces the job. */
  #announcedAt = Number.POSITIVE_INFINITY;
  #announced: Promise<void> | undefined;
  #isInDoubt = false;
  /** The delegated jobs that have not ended; allocated with the first. */
  #children: Set<Family> | undefined;
  #owner: SessionId;

  /** If there is a parent, the job counts as its child from now on. */
  constructor(job: Member, owner: SessionId, parent: Family | undefined) {
    this.#job = job;
    this.#owner = owner;
    this.#parent = parent;
    if (parent === undefined) return;
    parent.#children ??= new Set();
    parent.#children.add(this);
  }

  /** The session that owns the job. */
  get owner(): SessionId {
    return this.#owner;
  }

  get lineage(): Lineage {
    if (this.#parent === undefined) return NO_LINEAGE;
    const parent = { job: this.#parent.#job.id, announcedAt: this.#announcedAt };
    return [parent, ...this.#parent.lineage];
  }

  /** Whether no ancestor has ended or was asked to stop. */
  get active(): boolean {
    return this.#parent === undefined || this.#parent.#job.life.active;
  }

  /** The time by which an ancestor ends at the latest, in milliseconds since 1970; infinite if none has a deadline. */
  get overAt(): number {
    return this.#parent === undefined ? Number.POSITIVE_INFINITY : this.#parent.#job.overAt;
  }

  /** Settles when it is known whether an ancestor is cancelled; undefined if it is known. */
  get undecided(): Promise<void> | undefined {
    return this.#parent === undefined ? undefined : this.#parent.#job.life.undecided;
  }

  /** For a delegated job: resolves once its parent's log announces it, or never will. Until then nobody may see it (J2). */
  get announced(): Promise<void> | undefined {
    return this.#announced;
  }

  /**
   * Whether the parent's log was lost before it certainly announced the job. What that log holds then decides whether the job
   * exists.
   */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /**
   * The parent announces the job; its owner follows it from that record on (R-10-2).
   * @param jobSeq the number of the record
   * @param durable settles when the record is durable or lost
   */
  announce(jobSeq: number, durable: Promise<void>): void {
    this.#announcedAt = jobSeq;
    this.#announced = durable.catch(() => {
      this.#isInDoubt = true;
    });
  }

  /**
   * Makes another session the owner of the job and of its descendants, except those whose own session still exists: the client may
   * have adopted the same job itself (R-7.2-8).
   * @returns the descendants that change their owner, for the caller to store
   */
  adopt(session: SessionId, isThere: (session: SessionId) => boolean): Adopted[] {
    this.#owner = session;
    return [...(this.#children ?? [])].flatMap((child) => {
      const from = child.#owner;
      const isLeft = from !== session && !isThere(from);
      if (!isLeft && from !== session) return [];
      const below = child.adopt(session, isThere);
      const { id, submittedIn } = child.#job;
      return isLeft ? [{ id, submittedIn, from }, ...below] : below;
    });
  }

  /** Signals the agents of all descendants to stop. */
  stopChildren(reason: () => ArcpError): void {
    for (const child of this.#children ?? []) child.#job.life.stop(reason);
  }

  /**
   * The job is over, which ends the jobs that it delegated (R-10-6).
   * @param durable the last record that its log has stored, if nothing more will be. Default: everything will be stored
   */
  orphanChildren(durable = Number.POSITIVE_INFINITY): void {
    for (const child of [...(this.#children ?? [])]) {
      child.#job.life.orphan(child.#announcedAt <= durable);
    }
  }

  /** The job is over and no longer counts as a child. */
  leave(): void {
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
  }
}
