import type { ArcpError, JobId, SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";

/** What a job is asked as a parent, and told as a child. */
interface Member {
  readonly id: JobId;
  /** The session that it was delegated or submitted in. */
  readonly submittedIn: SessionId;
  readonly overAt: number;
  readonly life: {
    /** Whether it may still act. */
    readonly active: boolean;
    readonly undecided: Promise<void> | undefined;
    orphan(isAnnounced: boolean): void;
    stop(reason: () => ArcpError): void;
  };
}

/** A descendant of an adopted job, which has a new owner with it. */
export interface Adopted extends Pick<Member, "id" | "submittedIn"> {
  /** The session that owned it before. */
  readonly from: SessionId;
}

const NO_LINEAGE: Lineage = [];

/** What ties a job to others: the job that delegated it, those that it delegates to, the session that owns them (section 10). */
export class Family {
  readonly #job: Member;
  readonly #parent: Family | undefined;
  /** The number of its parent's record that tells of it. */
  #announcedAt = Number.POSITIVE_INFINITY;
  #announced: Promise<void> | undefined;
  #isInDoubt = false;
  /** Of delegated jobs that have not ended; made with the first. */
  #children: Set<Family> | undefined;
  #owner: SessionId;

  /** The job is a child from now on, if it has a parent. */
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

  /** Whether no job above has ended or was asked to stop. */
  get active(): boolean {
    return this.#parent === undefined || this.#parent.#job.life.active;
  }

  /** When a job above is over at the latest: milliseconds since 1970; infinite when that is open. */
  get overAt(): number {
    return this.#parent === undefined ? Number.POSITIVE_INFINITY : this.#parent.#job.overAt;
  }

  /** Settles when it is known whether a job above is cancelled; undefined where that is known. */
  get undecided(): Promise<void> | undefined {
    return this.#parent === undefined ? undefined : this.#parent.#job.life.undecided;
  }

  /** Of a delegated job: resolves once its parent's log tells of it, or never will. Before, it is nobody's business (J2). */
  get announced(): Promise<void> | undefined {
    return this.#announced;
  }

  /** Whether that log was lost before it told of the job for sure: then what it holds decides whether there is such a job. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /**
   * Its parent tells of the job: its owner follows it from that record on (R-10-2).
   * @param jobSeq the number of the record
   * @param durable settles with it
   */
  announce(jobSeq: number, durable: Promise<void>): void {
    this.#announcedAt = jobSeq;
    this.#announced = durable.catch(() => {
      this.#isInDoubt = true;
    });
  }

  /**
   * Another session owns the job from now on, and its descendants with it, but for those that belong to one that is still there:
   * what a client delegated may have been adopted by itself (R-7.2-8).
   * @returns the descendants that have a new owner: the caller writes that down
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

  /** Asks the agents of all descendants to stop. */
  stopChildren(reason: () => ArcpError): void {
    for (const child of this.#children ?? []) child.#job.life.stop(reason);
  }

  /**
   * The job is over, and so are those that it delegated (R-10-6).
   * @param durable up to which record its log is stored, where nothing more of it will be. Default: all will be
   */
  orphanChildren(durable = Number.POSITIVE_INFINITY): void {
    for (const child of [...(this.#children ?? [])]) {
      child.#job.life.orphan(child.#announcedAt <= durable);
    }
  }

  /** The job is over: it is nobody's child any more. */
  leave(): void {
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
  }
}
