import type { JobId } from "@arcp/core";

/** Who ever followed which of the kept jobs, so that nobody has to ask all sessions about a job. */
export class Audience<Viewer> {
  readonly #viewers = new Map<JobId, Set<Viewer>>();
  readonly #jobs = new Map<Viewer, Set<JobId>>();

  add(job: JobId, viewer: Viewer): void {
    const viewers = this.#viewers.get(job) ?? new Set();
    this.#viewers.set(job, viewers.add(viewer));
    const jobs = this.#jobs.get(viewer) ?? new Set();
    this.#jobs.set(viewer, jobs.add(job));
  }

  of(job: JobId): readonly Viewer[] {
    return [...(this.#viewers.get(job) ?? [])];
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
    const viewers = this.#viewers.get(job);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#viewers.delete(job);
    const jobs = this.#jobs.get(viewer);
    jobs?.delete(job);
    if (jobs?.size === 0) this.#jobs.delete(viewer);
  }
}
