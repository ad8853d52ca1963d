import { type JobId, newJobId } from "@arcp/core";

/** Jobs that were made for submits of a session which has still to hear of their acceptance, and of nothing else before (R-7.1-2). */
export class UnsaidJobs {
  /** With whoever waits for that, if anybody does; made with the first. */
  #jobs: Map<JobId, PromiseWithResolvers<void> | undefined> | undefined;

  /**
   * Makes a job that is unsaid from now on: others may find it while it is written down.
   * @throws what `make` failed with: then nobody waits for an acceptance
   */
  making<T>(make: (job: JobId) => Promise<T>): Promise<T> {
    const job = newJobId();
    this.#jobs ??= new Map();
    this.#jobs.set(job, undefined);
    return make(job).catch((error: unknown) => {
      this.say(job);
      throw error;
    });
  }

  has(job: JobId): boolean {
    return this.#jobs?.has(job) ?? false;
  }

  /** Resolves once the session has heard of it, or never will; undefined where nobody has to wait for that. */
  said(job: JobId): Promise<void> | undefined {
    if (!this.#jobs?.has(job)) return undefined;
    const said = this.#jobs.get(job) ?? Promise.withResolvers();
    this.#jobs.set(job, said);
    return said.promise;
  }

  /** The session hears of it in this moment, or never will. */
  say(job: JobId): void {
    this.#jobs?.get(job)?.resolve();
    this.#jobs?.delete(job);
  }
}
