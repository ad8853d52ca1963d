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

/** What an attached follower takes of its job's messages. */
interface Following {
  /** The request of its subscription: an error that ends only that names it (R-6.3-17). Undefined for a submitted job. */
  readonly request: string | undefined;
  /** The `event_seq` after which its events begin. Up to there, a resume may still repeat what others got. */
  readonly since: number;
}

/** A detached one, with undefined, takes nothing that was sent for others. */
type Followers = Map<Follower, Following | undefined>;

/**
 * The followers of each job: its owner's feed, a feed per subscription, and pages of its history. A feed may be detached for a
 * while: it waits until its subscription begins anew.
 */
export class JobFeeds {
  readonly #byJob = new Map<JobId, Followers>();
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
   * @param request that of the subscription; undefined for a job that this session submitted
   * @param since the `event_seq` after which the subscription's events come
   */
  add<F extends Follower>(follower: F, request?: string, since = 0): F {
    const { jobId } = follower;
    this.#unclaimed.delete(jobId);
    const followers: Followers = this.#byJob.get(jobId) ?? new Map();
    this.#byJob.set(jobId, followers.set(follower, { request, since }));
    return follower;
  }

  /** The feed shared by the submits that led to this job. A job that is accepted again has one already (R-7.2-3). */
  submitted(jobId: JobId): JobFeed | undefined {
    return [...this.#of(jobId).keys()].filter(isFeed).find(({ isSubmitted }) => isSubmitted);
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
    const { jobId } = follower;
    const followers = this.#byJob.get(jobId);
    followers?.delete(follower);
    if (followers?.size === 0) this.#byJob.delete(jobId);
    return this.follows(jobId);
  }

  /**
   * Called when the session no longer follows anything: pages end, feeds wait to be attached again.
   *
   * @returns the feeds that were attached until now
   */
  detachAll(): JobFeed[] {
    return this.jobs.flatMap((jobId) => this.#detach(jobId, () => true));
  }

  /**
   * Like `detachAll`, for all subscribers of one job, since the session has only one subscription to it. The request that made it
   * last may belong to a page that has been left by now.
   */
  detachSubscriptions(request: string, job = this.#subscriber(request)?.jobId): JobFeed[] {
    return job === undefined ? [] : this.#detach(job, (made) => made !== undefined);
  }

  /** From now on, the feed takes what this subscription brings after this `event_seq`. */
  attach(feed: JobFeed, request: string, since: number): void {
    this.#byJob.get(feed.jobId)?.set(feed, { request, since });
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
  failSubscription(request: string, error: Error): boolean {
    const follower = this.#subscriber(request);
    if (follower === undefined) return false;
    this.remove(follower);
    follower.fail(error);
    return true;
  }

  failAll(error: Error): void {
    for (const jobId of this.jobs) {
      for (const follower of [...this.#of(jobId).keys()]) {
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
    for (const [follower, following] of this.#of(jobId)) {
      if (!isFor(following, seq)) continue;
      event ??= read();
      follower.append(event, size, id);
    }
  }

  /** @param isMeant is given the request of each attached follower */
  #detach(jobId: JobId, isMeant: (request: string | undefined) => boolean): JobFeed[] {
    const feeds: JobFeed[] = [];
    for (const [follower, following] of [...this.#of(jobId)]) {
      if (following === undefined || !isMeant(following.request)) continue;
      if (isFeed(follower)) {
        this.#byJob.get(jobId)?.set(follower, undefined);
        feeds.push(follower);
      } else {
        this.remove(follower);
        follower.interrupt();
      }
    }
    return feeds;
  }

  /** Removes the followers of a job that has ended. Detached ones will learn of it from their own subscription. */
  #ended(jobId: JobId, seq: number | undefined): Follower[] {
    const ended: Follower[] = [];
    for (const [follower, following] of this.#of(jobId)) {
      if (isFor(following, seq)) ended.push(follower);
    }
    for (const follower of ended) this.remove(follower);
    return ended;
  }

  #subscriber(request: string): Follower | undefined {
    for (const followers of this.#byJob.values()) {
      for (const [follower, following] of followers) {
        if (following?.request === request) return follower;
      }
    }
    return undefined;
  }

  #of(jobId: JobId): ReadonlyMap<Follower, Following | undefined> {
    return this.#byJob.get(jobId) ?? NONE;
  }
}

function isFeed(follower: Follower): follower is JobFeed {
  return !(follower instanceof HistoryPage);
}

function isFor(following: Following | undefined, seq = Number.POSITIVE_INFINITY): boolean {
  return following !== undefined && seq > following.since;
}

const NONE: Followers = new Map();
