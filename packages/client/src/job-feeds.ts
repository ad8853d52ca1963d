import { type Decoded, type Envelope, type JobId, LocalError } from "@arcp/core";
import { type JobEvent, readBrokenEvent, readJobEvent } from "./job-event.ts";
import type { JobFeed } from "./job-feed.ts";

/** The feeds that wait for something, by job. A job may have several: its owner's, and one per subscription. */
export class JobFeeds {
  readonly #byJob = new Map<JobId, Set<JobFeed>>();
  /** A subscription's feed by the id of its request, which an error that ends it alone names (R-6.3-17). */
  readonly #byRequest = new Map<string, JobFeed>();

  /** @param requestId of the subscription; undefined for a job that this session submitted */
  add(feed: JobFeed, requestId?: string): JobFeed {
    const feeds = this.#byJob.get(feed.jobId);
    if (feeds === undefined) this.#byJob.set(feed.jobId, new Set([feed]));
    else feeds.add(feed);
    if (requestId !== undefined) this.#byRequest.set(requestId, feed);
    return feed;
  }

  /** The feed that already follows this job from its start. A job that is accepted again has one (R-7.2-3). */
  whole(jobId: JobId): JobFeed | undefined {
    return [...this.#of(jobId)].find((feed) => feed.whole);
  }

  /** @returns whether another feed follows the same job */
  remove(feed: JobFeed): boolean {
    const feeds = this.#byJob.get(feed.jobId);
    feeds?.delete(feed);
    for (const [id, subscribed] of this.#byRequest) {
      if (subscribed === feed) this.#byRequest.delete(id);
    }
    if (feeds === undefined || feeds.size > 0) return feeds !== undefined;
    this.#byJob.delete(feed.jobId);
    return false;
  }

  /** Takes a stream envelope to the handles of its job; of a job that has none it is nobody's. */
  deliver(received: Decoded): void {
    if (received.kind === "malformed") this.#deliverBroken(received);
    if (received.kind === "ok") this.#deliverMessage(received.message);
  }

  /** Ends the one subscription that was opened by this request. @returns whether there is one */
  failSubscription(requestId: string, error: Error): boolean {
    const feed = this.#byRequest.get(requestId);
    if (feed === undefined) return false;
    this.remove(feed);
    feed.fail(error);
    return true;
  }

  failAll(error: Error): void {
    for (const jobId of [...this.#byJob.keys()]) {
      for (const feed of this.#forget(jobId)) feed.fail(error);
    }
  }

  #deliverMessage(message: Envelope): void {
    if (message.job_id === undefined) return;
    if (message.type === "job.event") {
      this.#append(message.job_id, () => readJobEvent(message));
    } else if (message.type === "job.result" || message.type === "job.error") {
      for (const feed of this.#forget(message.job_id)) feed.finish(message);
    }
  }

  #deliverBroken(broken: Decoded & { kind: "malformed" }): void {
    const jobId = broken.header?.job_id;
    if (jobId === undefined) return;
    if (broken.type === "job.event") {
      this.#append(jobId, () => readBrokenEvent(broken));
    } else if (broken.type === "job.result" || broken.type === "job.error") {
      // The job has ended and how cannot be read: better an error than a handle that waits for ever.
      const error = new LocalError("PROTOCOL_VIOLATION", `${broken.type}: ${broken.reason}`);
      for (const feed of this.#forget(jobId)) feed.fail(error);
    }
  }

  #append(jobId: JobId, read: () => JobEvent): void {
    const feeds = this.#of(jobId);
    if (feeds.size === 0) return;
    const event = read();
    for (const feed of feeds) feed.append(event);
  }

  #forget(jobId: JobId): JobFeed[] {
    const feeds = [...this.#of(jobId)];
    for (const feed of feeds) this.remove(feed);
    return feeds;
  }

  #of(jobId: JobId): ReadonlySet<JobFeed> {
    return this.#byJob.get(jobId) ?? NONE;
  }
}

const NONE: ReadonlySet<JobFeed> = new Set();
