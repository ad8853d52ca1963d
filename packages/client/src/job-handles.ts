import { type Envelope, LocalError, type Payload } from "@arcp/core";
import type { Exchange } from "./exchange.ts";
import { handled, orRefused } from "./handled.ts";
import type { JobFeed } from "./job-feed.ts";
import { Job, type JobSource, type Printable, ReopenedJob, WatchedJob } from "./job-handle.ts";

/** Makes the handles of one client's jobs, and sends their requests to the runtime. */
export class JobHandles {
  readonly #exchange: Exchange;
  readonly #maxResultBytes: number;

  /** @param maxResultBytes the largest streamed result that a handle assembles */
  constructor(exchange: Exchange, maxResultBytes: number) {
    this.#exchange = exchange;
    this.#maxResultBytes = maxResultBytes;
  }

  /** @returns the handle of a submitted job; undefined if the reply is not an acceptance */
  accepted<Output, Vendor>(reply: Envelope): Job<Output, Vendor> | undefined {
    if (reply.type !== "job.accepted") return undefined;
    const { credentials, ...accepted } = reply.payload;
    const feed = this.#submitted(accepted);
    feed.credentials.take(credentials);
    feed.gauges.begin(accepted.budget);
    return new Job(this.#source(feed), accepted, (reason, signal) =>
      this.#cancel(feed, reason, signal),
    );
  }

  watched<Output, Vendor>(
    feed: JobFeed,
    subscribed: Printable<Payload<"job.subscribed">>,
  ): WatchedJob<Output, Vendor> {
    return new WatchedJob(this.#source(feed), subscribed, () => this.#leave(feed));
  }

  reopened<Output, Vendor>(
    feed: JobFeed,
    subscribed: Printable<Payload<"job.subscribed">>,
  ): ReopenedJob<Output, Vendor> {
    return new ReopenedJob(
      this.#source(feed),
      subscribed,
      () => this.#leave(feed),
      (reason, signal) => this.#cancel(feed, reason, signal),
    );
  }

  #submitted({ job_id, truncated }: Printable<Payload<"job.accepted">>): JobFeed {
    const { feeds, subscriptions } = this.#exchange;
    const former = feeds.submitted(job_id);
    if (former !== undefined) return former;
    const feed = feeds.add(subscriptions.submitted(job_id));
    if (truncated) feed.missed();
    return feed;
  }

  #cancel(
    { jobId: job_id, isFinished }: JobFeed,
    reason: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    // There is nothing left to cancel, and some runtimes do not reply in that case.
    if (isFinished && !this.#exchange.dialect.correlates) return Promise.resolve();
    return orRefused(() => {
      const acknowledged = this.#exchange.ask(
        { type: "job.cancel", job_id, payload: { job_id, reason } },
        (reply) => (acknowledgesCancel(reply) ? reply : undefined),
        signal,
      );
      return handled(acknowledged.then(() => {}));
    });
  }

  #leave(feed: JobFeed): void {
    const isShared = this.#exchange.feeds.remove(feed);
    feed.leave(new LocalError("CLOSED", "the subscription was given up"));
    if (!isShared) this.#exchange.unsubscribe(feed.jobId);
  }

  #source(feed: JobFeed): JobSource {
    return { feed, maxResultBytes: this.#maxResultBytes };
  }
}

/** The end of the job counts as a reply too, since some runtimes send no other. */
function acknowledgesCancel({ type }: Envelope): boolean {
  return type === "job.cancelled" || type === "job.result" || type === "job.error";
}
