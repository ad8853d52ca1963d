import { encode, type JobId, newMessageId, type SessionId } from "@arcp/core";
import type { JobFeeds } from "./job-feeds.ts";
import type { Requests } from "./requests.ts";

export interface DeparturesOptions {
  readonly feeds: JobFeeds;
  readonly requests: Requests;
  /** The present session. */
  readonly session: () => SessionId;
  /** @returns whether it was sent */
  readonly send: (frame: string) => boolean;
}

/** How many jobs a connection that broke may have kept to itself. */
const DOUBTFUL = 100;

/**
 * The jobs that were left when it could not be said: without a connection, or with a subscription under way, which would end
 * with what was before, so that its answer is waited for. Nothing answers that it was said, so the latest are told once more
 * on the next connection.
 */
export class Departures {
  readonly #options: DeparturesOptions;
  readonly #left = new Set<JobId>();
  /** What was told last on this connection, oldest first. */
  #told: JobId[] = [];
  /** What was left before this connection, and is told on it and no other. */
  #earlier: ReadonlySet<JobId> = new Set();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Nobody follows this job any more, it may be: the runtime is told with the next {@link tell}. */
  add(job: JobId): void {
    this.#left.add(job);
  }

  /** Tells the runtime of all that can be told now. */
  tell(): void {
    const { feeds, send } = this.#options;
    for (const job of this.#left) {
      if (!this.#isSettled(job)) continue;
      // What leaves no room for one leaves none for the others, of which there may be many.
      if (!feeds.follows(job) && !send(this.#unsubscription(job))) return;
      this.#left.delete(job);
      if (!this.#earlier.has(job) && this.#told.push(job) > DOUBTFUL) this.#told.shift();
    }
  }

  /** There is another connection, to be told what the one before may have lost. */
  repeat(): void {
    for (const job of this.#told) this.#left.add(job);
    this.#told = [];
    this.#earlier = new Set(this.#left);
  }

  /** The session that they belong to is gone. */
  clear(): void {
    this.#left.clear();
    this.#told = [];
  }

  #isSettled(job: JobId): boolean {
    // Asked with every answer: the first one that there is tells.
    return this.#options.requests.following(job).next().done === true;
  }

  #unsubscription(job_id: JobId): string {
    const id = newMessageId("req_");
    const session_id = this.#options.session();
    return encode({ id, type: "job.unsubscribe", session_id, job_id, payload: { job_id } });
  }
}
