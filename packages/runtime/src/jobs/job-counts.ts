import type { SessionId } from "@arcp/core";

/** The number of jobs per session. */
export class JobCounts {
  readonly #counts = new Map<SessionId, number>();

  has(session: SessionId): boolean {
    return this.#counts.has(session);
  }

  add(session: SessionId, jobs: number): void {
    const count = (this.#counts.get(session) ?? 0) + jobs;
    if (count > 0) this.#counts.set(session, count);
    else this.#counts.delete(session);
  }
}
