import type { Decoded } from "@arcp/core";
import type { Dialect } from "./dialect.ts";
import { EarlyHistory } from "./early-history.ts";
import type { JobFeeds } from "./job-feeds.ts";
import { isRepeatable, type Question } from "./question.ts";
import type { Requests } from "./requests.ts";

export interface EarlyHistoriesOptions {
  /** How many characters of frames each one keeps. */
  readonly bound: number;
  readonly feeds: JobFeeds;
  readonly requests: Requests;
}

/** The early histories of requests in flight. There are none with a runtime that always sends the reply first. */
export class EarlyHistories {
  readonly #options: EarlyHistoriesOptions;
  /** By the id of the request whose reply they may precede. */
  readonly #byRequest = new Map<string, EarlyHistory>();

  constructor(options: EarlyHistoriesOptions) {
    this.#options = options;
  }

  /** @returns what keeps the job's messages that come before the reply to this question; undefined if none can */
  open(question: Question, id: string, dialect: Dialect): EarlyHistory | undefined {
    const { type, payload } = question;
    const isFollowing =
      type === "job.subscribe" || (type === "job.submit" && isRepeatable(question));
    if (dialect.correlates || !isFollowing) return undefined;
    const early = new EarlyHistory(this.#options.bound, type === "job.subscribe");
    if (type === "job.submit" || payload.history) this.#byRequest.set(id, early);
    return early;
  }

  /** Drops an early history once its request has its reply, or no longer waits for one. */
  close(id: string): void {
    this.#byRequest.delete(id);
  }

  /** Keeps a message that may belong to the history of a job not followed yet. */
  take(decoded: Decoded, size: number, dialect: Dialect): void {
    if (this.#byRequest.size === 0) return;
    const { feeds, requests } = this.#options;
    const header = decoded.kind === "ok" ? decoded.message : decoded.header;
    const { job_id: job, event_seq: seq } = header ?? {};
    if (job === undefined || seq === undefined) return;
    // If the job is already followed, the message may be a new one, which the history will contain anyway.
    if (!dialect.replaysFirst && feeds.follows(job)) return;
    for (const { id, isSent } of requests.following(job)) {
      if (isSent) this.#byRequest.get(id)?.take(decoded, size, job, seq);
    }
  }

  /** Prepares for a new connection. @param isAnother whether it belongs to another session */
  restart(isAnother: boolean): void {
    for (const early of this.#byRequest.values()) {
      if (isAnother || early.isRepeated) early.restart();
    }
  }
}
