import { type JobId, newJobId } from "@arcp/core";

/**
 * Jobs created by submits of a session that has yet to be told of their acceptance, and must not be told anything else of them
 * before (R-7.1-2).
 */
export class UnsaidJobs {
  /** With a promise for those who wait, if anybody does; allocated with the first. */
  #jobs: Map<JobId, PromiseWithResolvers<void> | undefined> | undefined;

  /**
   * Creates a job that counts as unannounced from now on, because others may find it while it is being stored.
   * @throws what `make` failed with; then nobody waits for an acceptance
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

  /** Resolves once the acceptance was sent, or never will be; undefined if there is nothing to wait for. */
  said(job: JobId): Promise<void> | undefined {
    if (!this.#jobs?.has(job)) return undefined;
    const said = this.#jobs.get(job) ?? Promise.withResolvers();
    this.#jobs.set(job, said);
    return said.promise;
  }

  /** Marks the acceptance as sent, or as never to be sent. */
  say(job: JobId): void {
    this.#jobs?.get(job)?.resolve();
    this.#jobs?.delete(job);
  }
}
