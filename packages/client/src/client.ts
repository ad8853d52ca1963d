import {
  type Envelope,
  encode,
  type Feature,
  JobId,
  LocalError,
  type MessageId,
  newMessageId,
} from "@arcp/core";
import type { Exchange } from "./exchange.ts";
import { handled } from "./handled.ts";
import { JobFeed } from "./job-feed.ts";
import { Job, type JobSource, WatchedJob } from "./job-handle.ts";
import { type JobFilter, type ListedJob, listedJob, listing } from "./job-listing.ts";
import type { ConnectionState } from "./link-state.ts";
import type { SessionInfo } from "./session.ts";
import { demanded, type SubmitOptions, submission } from "./submission.ts";
import type { AgentType, InputOf, OutputOf, TypedAgent } from "./typed-agent.ts";

export interface SubscribeOptions {
  /** Replay first what is retained of the job. Default: false, or true with `fromJobSeq`. */
  readonly history?: boolean;
  /** Replay only what follows this number of the job (an event's `jobSeq`). Default: everything. */
  readonly fromJobSeq?: number;
}

/**
 * One session with a runtime, over any number of connections. Its requests reject with the ArcpError that the runtime
 * answers, with a LocalError `REQUEST_TIMEOUT`, `CLOSED`, or `MISUSE` for what cannot be asked, or with the error that
 * ended the session. A rejection that nobody looks at harms nothing.
 */
export class Client implements AsyncDisposable {
  /** What the runtime said when the session was opened. */
  readonly session: SessionInfo;
  readonly #exchange: Exchange;
  readonly #maxResultBytes: number;

  /** @internal made by `connect` */
  constructor(exchange: Exchange, session: SessionInfo, maxResultBytes: number) {
    this.#exchange = exchange;
    this.session = session;
    this.#maxResultBytes = maxResultBytes;
  }

  get state(): ConnectionState {
    return this.#exchange.link.states.value;
  }

  /** The present state and every later one; ends after `closed`. */
  get states(): AsyncIterable<ConnectionState> {
    return this.#exchange.link.states;
  }

  /**
   * Starts a job. Resolves once the runtime has accepted it. A submit whose connection drops before the answer is
   * repeated on the next one and still makes one job (R-5.4-8).
   *
   * @param agent `name` or `name@version`
   * @param input any JSON value
   */
  submit<Output = unknown>(
    agent: string,
    input?: unknown,
    options: SubmitOptions = {},
  ): Promise<Job<Output>> {
    const payload = submission(agent, input, options);
    const missing = this.#missing(demanded(payload));
    if (missing !== undefined) return refused(missing);
    return this.#exchange.ask(this.session, { type: "job.submit", payload }, (reply) =>
      this.#accepted<Output>(reply),
    );
  }

  /**
   * An agent with the types of its definition: `client.agent<typeof auditAgent>("code-audit")`.
   *
   * @param reference `name` or `name@version`
   */
  agent<A extends AgentType>(reference: string): TypedAgent<InputOf<A>, OutputOf<A>> {
    return {
      reference,
      submit: (input, options) => this.submit<OutputOf<A>>(reference, input, options),
    };
  }

  /**
   * The jobs of this principal, running and finished, in the order of their acceptance. Pages are asked for as they are
   * needed. Fails as requests of the client do.
   */
  async *jobs(filter: JobFilter = {}): AsyncGenerator<ListedJob, void, undefined> {
    const missing = this.#missing(["list_jobs"]);
    if (missing !== undefined) throw missing;
    for (let cursor: string | undefined; ; ) {
      const payload = listing(filter, cursor);
      const page = await this.#exchange.ask(
        this.session,
        { type: "session.list_jobs", payload },
        (reply) => (reply.type === "session.jobs" ? reply.payload : undefined),
      );
      for (const entry of page.jobs) yield listedJob(entry);
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /**
   * Watches a job that another session submitted, or that this one did. Resolves once the runtime agreed; what is
   * delivered from then on is in `events`.
   */
  subscribe(jobId: string, options: SubscribeOptions = {}): Promise<WatchedJob> {
    const missing = this.#missing(["subscribe"]);
    if (missing !== undefined) return refused(missing);
    const id = JobId.safeParse(jobId);
    if (!id.success) return refused(misuse("a job id has 1 to 128 characters"));
    const { fromJobSeq, history = fromJobSeq !== undefined } = options;
    if (fromJobSeq !== undefined && !history) {
      return refused(misuse("fromJobSeq says where history begins: it needs history: true"));
    }
    const job_id = id.data;
    const payload = { job_id, history, from_job_seq: fromJobSeq };
    return this.#exchange.ask(
      this.session,
      { type: "job.subscribe", job_id, payload },
      (reply, requestId) =>
        this.#subscribed(reply, requestId, history ? (fromJobSeq ?? 0) : undefined),
    );
  }

  /**
   * Ends the session in good order, within a second; jobs go on (R-6.7-2). Whatever still waits, such as `result()` of
   * an unfinished job, rejects with a LocalError `CLOSED`. Never rejects; further calls wait for the same end.
   *
   * @param reason for humans, at most 1,024 characters
   */
  close(reason?: string): Promise<void> {
    return this.#exchange.link.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accepted<Output>(reply: Envelope): Job<Output> | undefined {
    if (reply.type !== "job.accepted") return undefined;
    const { feeds } = this.#exchange;
    const { credentials, ...accepted } = reply.payload;
    const { job_id } = accepted;
    const feed = feeds.whole(job_id) ?? feeds.add(new JobFeed(job_id, 0, true));
    feed.credentials.take(credentials);
    feed.gauges.begin(accepted.budget);
    return new Job(this.#source(feed), accepted, (reason) => this.#cancel(job_id, reason));
  }

  /** @param after the number behind which history was asked for; undefined when none was */
  #subscribed(
    reply: Envelope,
    requestId: MessageId,
    after: number | undefined,
  ): WatchedJob | undefined {
    if (reply.type !== "job.subscribed") return undefined;
    const { credentials, ...subscribed } = reply.payload;
    const { job_id, truncated, last_job_seq: last } = subscribed;
    const whole = after === 0 && truncated !== true;
    const feed = new JobFeed(job_id, after ?? last ?? 0, whole);
    feed.credentials.take(credentials);
    this.#exchange.feeds.add(feed, requestId);
    feed.gauges.begin(subscribed.budget);
    return new WatchedJob(this.#source(feed), subscribed, () => this.#unsubscribe(feed));
  }

  #cancel(job_id: JobId, reason: string | undefined): Promise<void> {
    const acknowledged = this.#exchange.ask(
      this.session,
      { type: "job.cancel", job_id, payload: { job_id, reason } },
      (reply) => (reply.type === "job.cancelled" ? reply : undefined),
    );
    return handled(acknowledged.then(() => {}));
  }

  #unsubscribe(feed: JobFeed): void {
    const { feeds, link } = this.#exchange;
    const shared = feeds.remove(feed);
    feed.leave(new LocalError("CLOSED", "the subscription was given up"));
    if (shared) return;
    const { jobId: job_id } = feed;
    const id = newMessageId("req_");
    const session_id = this.session.id;
    link.send(encode({ id, type: "job.unsubscribe", session_id, job_id, payload: { job_id } }));
  }

  #missing(features: readonly Feature[]): LocalError | undefined {
    const missing = features.find((feature) => !this.session.features.includes(feature));
    return missing && misuse(`this session lacks the feature ${missing}`);
  }

  #source(feed: JobFeed): JobSource {
    return { feed, maxResultBytes: this.#maxResultBytes };
  }
}

function refused(error: LocalError): Promise<never> {
  return handled(Promise.reject(error));
}

function misuse(message: string): LocalError {
  return new LocalError("MISUSE", message);
}
