import { encode, type JobId, newMessageId, type SessionId } from "@arcp/core";
import type { JobFeeds } from "./job-feeds.ts";
import type { Requests } from "./requests.ts";

export interface DeparturesOptions {
  readonly feeds: JobFeeds;
  readonly requests: Requests;
  /** The current session. */
  readonly session: () => SessionId;
  /** @returns whether it was sent */
  readonly send: (frame: string) => boolean;
}

/** For how many jobs the notice may be lost with a connection and is repeated on the next one. */
const DOUBTFUL = 100;

/**
 * The jobs that nobody follows any more, but of which the runtime could not be told yet: because there is no connection, or
 * because a new subscription to the job is in flight, which the notice would end as well, so its reply is awaited first. The
 * runtime sends no reply to the notice, so the latest notices are repeated on the next connection.
 */
export class Departures {
  readonly #options: DeparturesOptions;
  readonly #left = new Set<JobId>();
  /** The latest jobs told of on this connection, oldest first. */
  #told: JobId[] = [];
  /** Jobs left before this connection: they are told of on this one, and not repeated on another. */
  #earlier: ReadonlySet<JobId> = new Set();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Notes a job that perhaps nobody follows any more; the next {@link tell} tells the runtime. */
  add(job: JobId): void {
    this.#left.add(job);
  }

  /** Tells the runtime of every job that it can be told of now. */
  tell(): void {
    const { feeds, send } = this.#options;
    for (const job of this.#left) {
      if (!this.#isSettled(job)) continue;
      // If there is no room for one, there is none for the others, of which there may be many.
      if (!feeds.follows(job) && !send(this.#unsubscription(job))) return;
      this.#left.delete(job);
      if (!this.#earlier.has(job) && this.#told.push(job) > DOUBTFUL) this.#told.shift();
    }
  }

  /** Prepares a new connection to repeat what the one before may have lost. */
  repeat(): void {
    for (const job of this.#told) this.#left.add(job);
    this.#told = [];
    this.#earlier = new Set(this.#left);
  }

  /** Forgets everything, since the session is gone. */
  clear(): void {
    this.#left.clear();
    this.#told = [];
  }

  #isSettled(job: JobId): boolean {
    // Called with every reply, so it stops at the first request found.
    return this.#options.requests.following(job).next().done === true;
  }

  #unsubscription(job_id: JobId): string {
    const id = newMessageId("req_");
    const session_id = this.#options.session();
    return encode({ id, type: "job.unsubscribe", session_id, job_id, payload: { job_id } });
  }
}
