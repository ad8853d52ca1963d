import type { JobId, SessionId } from "@arcp/core";
import type { Job } from "./job.ts";

/** The jobs that run, until their end is durable; what is known of finished ones is in the store. */
export class JobTable {
  readonly #jobs = new Map<JobId, Job>();

  add(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  get(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Whether a job of this session runs. */
  has(session: SessionId): boolean {
    for (const job of this.#jobs.values()) {
      if (job.session === session) return true;
    }
    return false;
  }

  remove(job: Job): void {
    this.#jobs.delete(job.id);
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }
}
