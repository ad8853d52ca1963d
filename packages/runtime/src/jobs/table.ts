import type { JobId, SessionId } from "@arcp/core";
import type { Job } from "./job.ts";

/** The jobs that this runtime holds, running or kept for a while after their end. */
export class JobTable {
  readonly #jobs = new Map<JobId, Job>();
  readonly #bySession = new Map<SessionId, Set<Job>>();

  add(job: Job): void {
    this.#jobs.set(job.id, job);
    const { session } = job.identity;
    this.#bySession.set(session, (this.#bySession.get(session) ?? new Set()).add(job));
  }

  get(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /** The jobs that a session submitted, oldest first. */
  of(session: SessionId): Iterable<Job> {
    return this.#bySession.get(session) ?? [];
  }

  /** Whether any job of this session is held. */
  has(session: SessionId): boolean {
    return this.#bySession.has(session);
  }

  remove(job: Job): void {
    this.#jobs.delete(job.id);
    const { session } = job.identity;
    const siblings = this.#bySession.get(session);
    siblings?.delete(job);
    if (siblings?.size === 0) this.#bySession.delete(session);
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }
}
