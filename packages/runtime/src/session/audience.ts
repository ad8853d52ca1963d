import type { JobId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Stream } from "./stream.ts";

/**
 * Which sessions have ever followed which of the kept jobs. Answers what sessions still need of a job without asking all sessions.
 */
export class Audience {
  /** Each viewer once. Arrays rather than sets, because every kept job has an entry, and nearly all have a single viewer. */
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

  /** Whether any session still has to read this job. */
  reads(job: JobId): boolean {
    return this.of(job).some((viewer) => viewer.reads(job));
  }

  /** Whether any session still has to read or acknowledge this job, or may ask for it again (R-14-3). */
  holds(job: JobId): boolean {
    return this.of(job).some((viewer) => viewer.holds(job));
  }

  /** Whether the owner of an ancestor has yet to learn of this job (R-10-2). */
  awaits(job: JobId, lineage: Lineage): boolean {
    const owners = lineage.flatMap((above) => this.of(above.job));
    return owners.some(({ attachments }) => attachments.awaits(job, lineage));
  }

  /** Prepares sessions for the removal of this job's log. @returns once they no longer need it */
  async release(job: JobId): Promise<void> {
    await Promise.all(this.of(job).map((viewer) => viewer.release(job)));
  }

  /** Drops everything that refers to this job, of which nothing is kept any more, from all sessions. */
  removed(job: JobId): void {
    for (const viewer of this.of(job)) {
      viewer.removed([job]);
      this.#unlink(job, viewer);
    }
  }

  /** Removes a viewer from all jobs. @returns these jobs */
  remove(viewer: Stream): readonly JobId[] {
    const jobs = [...(this.#jobs.get(viewer) ?? [])];
    for (const job of jobs) this.#unlink(job, viewer);
    return jobs;
  }

  #unlink(job: JobId, viewer: Stream): void {
    const viewers = this.of(job).filter((other) => other !== viewer);
    if (viewers.length > 0) this.#viewers.set(job, viewers);
    else this.#viewers.delete(job);
    const jobs = this.#jobs.get(viewer);
    jobs?.delete(job);
    if (jobs?.size === 0) this.#jobs.delete(viewer);
  }
}
