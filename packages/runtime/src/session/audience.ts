import type { JobId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Stream } from "./stream.ts";

/**
 * Which sessions ever followed which of the kept jobs, and what they have still to do with one, so that nobody has to ask all
 * sessions about a job.
 */
export class Audience {
  /** Each once. No sets: there is one for every kept job, and nearly all have a single viewer. */
  readonly #viewers = new Map<JobId, readonly Stream[]>();
  readonly #jobs = new Map<Stream, Set<JobId>>();

  add(job: JobId, viewer: Stream): void {
    const others = this.#viewers.get(job);
    if (others?.includes(viewer)) return;
    this.#viewers.set(job, others === undefined ? [viewer] : [...others, viewer]);
    const jobs = this.#jobs.get(viewer);
    if (jobs === undefined) this.#jobs.set(viewer, new Set([job]));
    else jobs.add(job);
  }

  of(job: JobId): readonly Stream[] {
    return this.#viewers.get(job) ?? [];
  }

  /** Whether a session has still to read this job. */
  reads(job: JobId): boolean {
    return this.of(job).some((viewer) => viewer.reads(job));
  }

  /** Whether a session has still to read this job, to acknowledge it, or perhaps to ask for it again (R-14-3). */
  holds(job: JobId): boolean {
    return this.of(job).some((viewer) => viewer.holds(job));
  }

  /** Whether the owner of a job above has still to learn of this one (R-10-2). */
  awaits(job: JobId, lineage: Lineage): boolean {
    const owners = lineage.flatMap((above) => this.of(above.job));
    return owners.some(({ attachments }) => attachments.awaits(job, lineage));
  }

  /** The log of this job is about to be removed. @returns once sessions can do without */
  async release(job: JobId): Promise<void> {
    await Promise.all(this.of(job).map((viewer) => viewer.release(job)));
  }

  /** Nothing of this job is kept any more: sessions do not keep what refers to it either. */
  removed(job: JobId): void {
    for (const viewer of this.of(job)) {
      viewer.removed([job]);
      this.#leave(job, viewer);
    }
  }

  /** The viewer is gone. */
  remove(viewer: Stream): void {
    for (const job of [...(this.#jobs.get(viewer) ?? [])]) this.#leave(job, viewer);
  }

  #leave(job: JobId, viewer: Stream): void {
    const viewers = this.of(job).filter((other) => other !== viewer);
    if (viewers.length > 0) this.#viewers.set(job, viewers);
    else this.#viewers.delete(job);
    const jobs = this.#jobs.get(viewer);
    jobs?.delete(job);
    if (jobs?.size === 0) this.#jobs.delete(viewer);
  }
}
