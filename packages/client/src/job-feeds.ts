import {
  type Decoded,
  type Envelope,
  type EnvelopeHeader,
  type JobId,
  LocalError,
} from "@arcp/core";
import { HistoryPage } from "./history-page.ts";
import { type JobEvent, readBrokenEvent, readJobEvent } from "./job-event.ts";
import type { JobFeed } from "./job-feed.ts";

type Follower = JobFeed | HistoryPage;

/**
 * The followers of each job: its owner's feed, a feed per subscription, and pages of its history. A feed may be detached for a
 * while: it waits until its subscription begins anew, and takes nothing that was sent for other followers.
 */
export class JobFeeds {
  readonly #byJob = new Map<JobId, Set<Follower>>();
  /** Followers that subscribed, by the id of their request: an error that ends only that subscription names it (R-6.3-17). */
  readonly #byRequest = new Map<string, Follower>();
  readonly #detached = new Set<Follower>();
  /** The `event_seq` after which a subscription's events begin. Up to there, a resume may still repeat what others got. */
  readonly #since = new WeakMap<Follower, number>();
  /** Jobs of a restored session that the caller has not asked for yet. */
  readonly #unclaimed: Set<JobId>;

  /** @param unclaimed jobs that the previous process followed */
  constructor(unclaimed: Iterable<JobId> = []) {
    this.#unclaimed = new Set(unclaimed);
  }

  /** The jobs that are followed, or were followed and have not been asked for again yet. */
  get jobs(): JobId[] {
    return [...this.#unclaimed, ...this.#byJob.keys()];
  }

  /**
   * @param requestId the request of the subscription; undefined for a job that this session submitted
   * @param since the `event_seq` after which the subscription's events come
   */
  add<F extends Follower>(follower: F, requestId?: string, since = 0): F {
    this.#unclaimed.delete(follower.jobId);
    this.#since.set(follower, since);
    const followers = this.#byJob.get(follower.jobId);
    if (followers === undefined) this.#byJob.set(follower.jobId, new Set([follower]));
    else followers.add(follower);
    if (requestId !== undefined) this.#byRequest.set(requestId, follower);
    return follower;
  }

  /** The feed shared by the submits that led to this job. A job that is accepted again has one already (R-7.2-3). */
  submitted(jobId: JobId): JobFeed | undefined {
    return [...this.#of(jobId)].filter(isFeed).find(({ isSubmitted }) => isSubmitted);
  }

  /** Whether anybody follows this job. */
  follows(jobId: JobId): boolean {
    return this.#byJob.has(jobId);
  }

  has(follower: Follower): boolean {
    return this.#of(follower.jobId).has(follower);
  }

  /** @returns whether somebody else still follows the job */
  remove(follower: Follower): boolean {
    const followers = this.#byJob.get(follower.jobId);
    followers?.delete(follower);
    this.#detached.delete(follower);
    this.#unname(follower);
    if (followers === undefined || followers.size > 0) return followers !== undefined;
    this.#byJob.delete(follower.jobId);
    return false;
  }

  /**
   * Called when the session no longer follows anything: pages end, feeds wait to be attached again.
   *
   * @returns the feeds that were attached until now
   */
  detachAll(): JobFeed[] {
    return this.jobs.flatMap((jobId) => this.#detach([...this.#of(jobId)]));
  }

  /**
   * Like `detachAll`, for all subscribers of one job, since the session has only one subscription to it. The request that made it
   * last may belong to a page that has been left by now.
   */
  detachSubscriptions(requestId: string, job = this.#byRequest.get(requestId)?.jobId): JobFeed[] {
    if (job === undefined) return [];
    const subscribers = new Set(this.#byRequest.values());
    return this.#detach([...this.#of(job)].filter((each) => subscribers.has(each)));
  }

  /** From now on, the feed takes what this subscription brings after this `event_seq`. */
  attach(feed: JobFeed, requestId: string, since: number): void {
    this.#detached.delete(feed);
    this.#since.set(feed, since);
    this.#byRequest.set(requestId, feed);
  }

  /**
   * Delivers a stream envelope to the followers of its job; drops it if there are none.
   *
   * @param size the length of the frame, in characters
   */
  deliver(received: Decoded, size: number): void {
    if (received.kind === "malformed") this.#deliverBroken(received, size);
    if (received.kind === "ok") this.#deliverMessage(received.message, size);
  }

  /** Ends only the subscription that this request opened. @returns whether there is one */
  failSubscription(requestId: string, error: Error): boolean {
    const follower = this.#byRequest.get(requestId);
    if (follower === undefined) return false;
    this.remove(follower);
    follower.fail(error);
    return true;
  }

  failAll(error: Error): void {
    for (const jobId of this.jobs) {
      for (const follower of [...this.#of(jobId)]) {
        this.remove(follower);
        follower.fail(error);
      }
    }
  }

  #deliverMessage(message: Envelope, size: number): void {
    if (message.job_id === undefined) return;
    if (message.type === "job.event") {
      this.#append(message.job_id, message, size, () => readJobEvent(message));
    } else if (message.type === "job.result" || message.type === "job.error") {
      const ended = this.#ended(message.job_id, message.event_seq);
      for (const follower of ended) follower.finish(message);
    }
  }

  #deliverBroken(broken: Decoded & { kind: "malformed" }, size: number): void {
    const { header } = broken;
    const { job_id: jobId, event_seq: seq } = header ?? {};
    if (header === undefined || jobId === undefined) return;
    if (broken.type === "job.event") {
      this.#append(jobId, header, size, () => readBrokenEvent(header, broken.payload));
    } else if (broken.type === "job.result" || broken.type === "job.error") {
      // The job has ended, but how cannot be decoded: an error is better than a handle that waits for ever.
      const error = new LocalError("PROTOCOL_VIOLATION", `${broken.type}: ${broken.reason}`);
      for (const follower of this.#ended(jobId, seq)) follower.fail(error);
    }
  }

  #append(
    jobId: JobId,
    { id, event_seq: seq }: Pick<EnvelopeHeader, "id" | "event_seq">,
    size: number,
    read: () => JobEvent,
  ): void {
    let event: JobEvent | undefined;
    for (const follower of this.#of(jobId)) {
      if (!this.#isFor(follower, seq)) continue;
      event ??= read();
      follower.append(event, size, id);
    }
  }

  #detach(followers: readonly Follower[]): JobFeed[] {
    const feeds: JobFeed[] = [];
    for (const follower of followers) {
      if (!isFeed(follower)) {
        this.remove(follower);
        follower.interrupt();
      } else if (!this.#detached.has(follower)) {
        this.#detached.add(follower);
        this.#unname(follower);
        feeds.push(follower);
      }
    }
    return feeds;
  }

  /** Removes the followers of a job that has ended. Detached ones will learn of it from their own subscription. */
  #ended(jobId: JobId, seq: number | undefined): Follower[] {
    const attached = [...this.#of(jobId)].filter((follower) => this.#isFor(follower, seq));
    for (const follower of attached) this.remove(follower);
    return attached;
  }

  #isFor(follower: Follower, seq = Number.POSITIVE_INFINITY): boolean {
    return !this.#detached.has(follower) && seq > (this.#since.get(follower) ?? 0);
  }

  #unname(follower: Follower): void {
    for (const [id, subscribed] of this.#byRequest) {
      if (subscribed === follower) this.#byRequest.delete(id);
    }
  }

  #of(jobId: JobId): ReadonlySet<Follower> {
    return this.#byJob.get(jobId) ?? NONE;
  }
}

function isFeed(follower: Follower): follower is JobFeed {
  return !(follower instanceof HistoryPage);
}

const NONE: ReadonlySet<Follower> = new Set();
