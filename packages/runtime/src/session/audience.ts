import type { JobId } from "@arcp/core";

/** Who ever followed which of the kept jobs, so that nobody has to ask all sessions about a job. */
export class Audience<Viewer> {
  /** Each once. No sets: there is one for every kept job, and nearly all have a single viewer. */
  readonly #viewers = new Map<JobId, readonly Viewer[]>();
  readonly #jobs = new Map<Viewer, Set<JobId>>();

  add(job: JobId, viewer: Viewer): void {
    const others = this.#viewers.get(job);
    if (others?.includes(viewer)) return;
    this.#viewers.set(job, others === undefined ? [viewer] : [...others, viewer]);
    const jobs = this.#jobs.get(viewer);
    if (jobs === undefined) this.#jobs.set(viewer, new Set([job]));
    else jobs.add(job);
  }

  of(job: JobId): readonly Viewer[] {
    return this.#viewers.get(job) ?? [];
  }

  /** The job is gone. */
  removeJob(job: JobId): void {
    for (const viewer of this.of(job)) this.#leave(job, viewer);
  }

  /** The viewer is gone. */
  removeViewer(viewer: Viewer): void {
    for (const job of [...(this.#jobs.get(viewer) ?? [])]) this.#leave(job, viewer);
  }

  #leave(job: JobId, viewer: Viewer): void {
    const viewers = this.of(job).filter((other) => other !== viewer);
    if (viewers.length > 0) this.#viewers.set(job, viewers);
    else this.#viewers.delete(job);
    const jobs = this.#jobs.get(viewer);
    jobs?.delete(job);
    if (jobs?.size === 0) this.#jobs.delete(viewer);
  }
}
