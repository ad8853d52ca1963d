import type { JobId, SessionId } from "@arcp/core";
import type { Job } from "./job.ts";

/** The jobs that run, until their end is durable; what is known of finished ones is in the store. */
export class JobTable {
  readonly #jobs = new Map<JobId, Job>();
  /** Places that are taken, by principal. */
  readonly #places = new Map<string, number>();
  readonly #perPrincipal: number;

  /** @param perPrincipal jobs that one principal may have running at a time */
  constructor(perPrincipal: number) {
    this.#perPrincipal = perPrincipal;
  }

  /** Takes a place for a job of this principal (R-7.1-5). @returns gives it back; undefined when there is none left */
  reserve(principal: string): (() => void) | undefined {
    const taken = this.#places.get(principal) ?? 0;
    if (taken >= this.#perPrincipal) return undefined;
    this.#places.set(principal, taken + 1);
    return () => {
      const left = (this.#places.get(principal) ?? 0) - 1;
      if (left > 0) this.#places.set(principal, left);
      else this.#places.delete(principal);
    };
  }

  add(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  get(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Whether a job runs that this session submitted or owns. */
  has(session: SessionId): boolean {
    for (const job of this.#jobs.values()) {
      if (job.session === session || job.submittedIn === session) return true;
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
