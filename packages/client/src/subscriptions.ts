import {
  ArcpError,
  type Clock,
  type JobId,
  LocalError,
  type MessageId,
  type Payload,
  sleep,
} from "@arcp/core";
import { pauseBefore } from "./backoff.ts";
import { type HearHistory, HistoryPage } from "./history-page.ts";
import { JobFeed } from "./job-feed.ts";
import type { JobFeeds } from "./job-feeds.ts";
import { asError } from "./link-outcome.ts";
import { isRetryable } from "./retry.ts";
import type { SessionInfo } from "./session-info.ts";

type Subscribed = Payload<"job.subscribed">;

/** The payload of a subscription that names its job. */
export type Subscription = Payload<"job.subscribe"> & { readonly job_id: JobId };

/** Sends the subscriptions' requests to the runtime. */
export interface Subscriber {
  readonly session: SessionInfo;
  readonly feeds: JobFeeds;
  readonly clock: Clock;
  /** Aborts once requests are no longer possible. */
  readonly over: AbortSignal;
  /** @param read turns the reply into the result, before anything that arrived after the reply is handled */
  subscribe<T extends object>(
    payload: Subscription,
    read: (subscribed: Subscribed, requestId: MessageId) => T,
    signal?: AbortSignal,
  ): Promise<T>;
  unsubscribe(jobId: JobId): void;
}

/** What a new subscription should bring. */
export interface Selection {
  readonly history: boolean;
  /** The `job_seq` after which the history begins. */
  readonly fromJobSeq?: number | undefined;
}

/** Subscribes feeds to their jobs: first, again in a new session, and to older history for slow readers. */
export class Subscriptions {
  readonly #subscriber: Subscriber;
  readonly #bound: number;

  /** @param bound how many characters of frames one feed or page keeps as events */
  constructor(subscriber: Subscriber, bound: number) {
    this.#subscriber = subscriber;
    this.#bound = bound;
  }

  /** The feed of a submitted job. */
  submitted(jobId: JobId): JobFeed {
    return this.#feed(jobId, 0, true);
  }

  /** Subscribes to a job with a new feed. */
  open<T extends object>(
    jobId: JobId,
    { history, fromJobSeq }: Selection,
    make: (feed: JobFeed, subscribed: Subscribed) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    const read = (reply: Subscribed, requestId: MessageId): T => {
      const { credentials: _, ...subscribed } = reply;
      const { job_id, last_job_seq: last = 0, subscribed_from: since } = subscribed;
      const feed = this.#feed(job_id, history ? (fromJobSeq ?? 0) : last, false);
      begin(feed, reply);
      this.#subscriber.feeds.add(feed, requestId, since);
      return make(feed, subscribed);
    };
    return this.#ask({ jobId, history, fromJobSeq }, read, signal);
  }

  /**
   * Resumes a detached feed at its position, retrying as long as necessary. Lost history shows in the feed; a refusal makes the
   * feed fail.
   */
  async renew(feed: JobFeed): Promise<void> {
    const { feeds } = this.#subscriber;
    const { jobId, position } = feed;
    const attach = (subscribed: Subscribed, requestId: MessageId): JobFeed => {
      if (!feeds.has(feed)) {
        // The feed was left in the meantime. The runtime was told so before this subscription began, so it has to be told again.
        this.#subscriber.unsubscribe(jobId);
        return feed;
      }
      begin(feed, subscribed);
      feeds.attach(feed, requestId, subscribed.subscribed_from ?? 0);
      return feed;
    };
    try {
      if (position === undefined || !this.#canSubscribe) throw lost();
      await this.#insist({ jobId, history: true, fromJobSeq: position }, attach);
    } catch (error) {
      feeds.remove(feed);
      feed.fail(asError(error));
    }
  }

  #feed(jobId: JobId, after: number, isSubmitted: boolean): JobFeed {
    const history = this.#canSubscribe ? this.#historyOf(jobId) : undefined;
    return new JobFeed({ jobId, after, isSubmitted, bound: this.#bound, history });
  }

  #historyOf(jobId: JobId): HearHistory {
    const { feeds, over } = this.#subscriber;
    return (after, heard) =>
      this.#insist({ jobId, history: true, fromJobSeq: after }, (subscribed, requestId) => {
        const page = new HistoryPage({
          jobId,
          after,
          truncated: subscribed.truncated === true,
          bound: this.#bound,
          heard,
          left: (left) => {
            if (!feeds.remove(left)) this.#subscriber.unsubscribe(jobId);
          },
        });
        return feeds.add(page, requestId, subscribed.subscribed_from);
      }).catch((error: unknown) => {
        // What the runtime refuses is lost. Once the client has ended, nothing is refused, even if it ended with an ArcpError.
        if (over.aborted || !(error instanceof ArcpError)) throw error;
        return undefined;
      });
  }

  /** Repeats a request that may succeed later, after a pause: the network may be down for long, or the runtime at capacity. */
  async #insist<T extends object>(
    selection: Selection & { readonly jobId: JobId },
    read: (subscribed: Subscribed, requestId: MessageId) => T,
  ): Promise<T> {
    const { over, clock } = this.#subscriber;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#ask(selection, read);
      } catch (error) {
        if (over.aborted || !isRetryable(error)) throw error;
        await sleep(clock, pauseBefore(failures), over);
      }
    }
  }

  #ask<T extends object>(
    { jobId: job_id, history, fromJobSeq }: Selection & { readonly jobId: JobId },
    read: (subscribed: Subscribed, requestId: MessageId) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    const payload = { job_id, history, from_job_seq: fromJobSeq };
    return this.#subscriber.subscribe(payload, read, signal);
  }

  get #canSubscribe(): boolean {
    return this.#subscriber.session.features.includes("subscribe");
  }
}

/** Applies to a feed what the reply to its subscription says about the job. */
function begin(feed: JobFeed, { truncated, credentials, budget, last_job_seq }: Subscribed): void {
  if (truncated) feed.missed();
  feed.credentials.take(credentials);
  feed.gauges.renew(budget, last_job_seq);
}

function lost(): LocalError {
  return new LocalError(
    "SESSION_LOST",
    "the session was lost, and the runtime cannot resume its jobs in another one",
  );
}
