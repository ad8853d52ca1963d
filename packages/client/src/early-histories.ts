import type { Decoded } from "@arcp/core";
import type { Dialect } from "./dialect.ts";
import { EarlyHistory } from "./early-history.ts";
import type { JobFeeds } from "./job-feeds.ts";
import { isRepeatable, type Question } from "./question.ts";
import type { Requests } from "./requests.ts";

export interface EarlyHistoriesOptions {
  /** Characters of the frames that one keeps. */
  readonly bound: number;
  readonly feeds: JobFeeds;
  readonly requests: Requests;
}

/** The early histories that requests under way may have, as long as they are: none where every answer comes first. */
export class EarlyHistories {
  readonly #options: EarlyHistoriesOptions;
  /** By the request that it may come before the answer of. */
  readonly #byRequest = new Map<string, EarlyHistory>();

  constructor(options: EarlyHistoriesOptions) {
    this.#options = options;
  }

  /** @returns where what comes of a job before the answer to this question is kept; undefined where nothing does */
  open(question: Question, id: string, dialect: Dialect): EarlyHistory | undefined {
    const { type, payload } = question;
    const isFollowing =
      type === "job.subscribe" || (type === "job.submit" && isRepeatable(question));
    if (dialect.correlates || !isFollowing) return undefined;
    const early = new EarlyHistory(this.#options.bound, type === "job.subscribe");
    if (type === "job.submit" || payload.history) this.#byRequest.set(id, early);
    return early;
  }

  /** The question has its answer, or waits for none any more. */
  close(id: string): void {
    this.#byRequest.delete(id);
  }

  /** Keeps what may be the history of a job that is yet to be followed. */
  take(decoded: Decoded, size: number, dialect: Dialect): void {
    if (this.#byRequest.size === 0) return;
    const { feeds, requests } = this.#options;
    const header = decoded.kind === "ok" ? decoded.message : decoded.header;
    const { job_id: job, event_seq: seq } = header ?? {};
    if (job === undefined || seq === undefined) return;
    // Of a job that is followed it may as well be what is new, which the history will have.
    if (!dialect.replaysFirst && feeds.follows(job)) return;
    for (const { id, isSent } of requests.following(job)) {
      if (isSent) this.#byRequest.get(id)?.take(decoded, size, job, seq);
    }
  }

  /** There is another connection. @param isAnother whether it is of another session */
  restart(isAnother: boolean): void {
    for (const early of this.#byRequest.values()) {
      if (isAnother || early.isRepeated) early.restart();
    }
  }
}
