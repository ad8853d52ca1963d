// A page need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />
import {
  type AgentEntry,
  type AgentType,
  type Feature,
  type InputOf,
  JobId,
  LocalError,
  type OutputOf,
  type Payload,
  type ReferenceOf,
  type StandardSchemaV1,
  type VendorEvent,
  type VendorEventOf,
} from "@arcp/core";
import type { Exchange } from "./exchange.ts";
import { handled, orRefused } from "./handled.ts";
import type { JobFeed } from "./job-feed.ts";
import type { Job, Printable, ReopenedJob, ReopenOptions, WatchedJob } from "./job-handle.ts";
import { JobHandles } from "./job-handles.ts";
import { type JobFilter, type ListedJob, listJobs } from "./job-listing.ts";
import { JobWatch, type WatchFilter, type WatchOptions, type WatchSource } from "./job-watch.ts";
import { asError } from "./link-outcome.ts";
import type { ConnectionState } from "./link-state.ts";
import { checkNames, misuse } from "./misuse.ts";
import type { SavedSession } from "./saved-session.ts";
import type { SessionInfo } from "./session-info.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { demanded, type SubmitOptions, submission, traced } from "./submission.ts";
import { type Taking, type TypedAgent, typedAgent } from "./typed-agent.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How to watch a job that another session submitted. */
export interface SubscribeOptions {
  /** First replay the events of the job that are still kept. Default: false, or true with `fromJobSeq`. */
  readonly history?: boolean | undefined;
  /** Replay only events after this job event number (an event's `jobSeq`). Default: everything. */
  readonly fromJobSeq?: number | undefined;
  /** Aborting it ends the wait for the runtime's response. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One session with a runtime, over any number of connections. Its requests reject with the ArcpError from the runtime,
 * with a LocalError `REQUEST_TIMEOUT`, `CLOSED`, or `MISUSE` for an invalid request, or with the error that ended the
 * session. Unhandled rejections do no harm.
 */
export class Client implements AsyncDisposable {
  readonly #exchange: Exchange;
  readonly #keeper: SessionKeeper | undefined;
  readonly #handles: JobHandles;

  /** @internal made by `connect` */
  constructor(exchange: Exchange, keeper: SessionKeeper | undefined, maxResultBytes: number) {
    this.#exchange = exchange;
    this.#keeper = keeper;
    this.#handles = new JobHandles(exchange, maxResultBytes);
  }

  /** What the runtime said when the session was opened. A new session replaces one that was lost. */
  get session(): SessionInfo {
    return this.#exchange.session;
  }

  /** The current state of the connection. */
  get state(): ConnectionState {
    return this.#exchange.link.states.value;
  }

  /** The current state and every later one; ends after `closed`. */
  get states(): AsyncIterable<ConnectionState> {
    return this.#exchange.link.states;
  }

  /**
   * Starts a job. Resolves once the runtime has accepted it. If the connection drops before the reply, the submit is repeated on
   * the next one and still makes only one job (R-5.4-8).
   *
   * Rejects with a LocalError `SESSION_LOST` if the whole session is lost before the reply, or if the connection is lost and the
   * runtime does not recognise repeated requests, unless the submit was never sent or has an `idempotencyKey`.
   *
   * @param agent `name` or `name@version`
   * @param input any JSON value
   */
  submit<Output = unknown, Vendor = VendorEvent>(
    agent: string,
    input?: unknown,
    options: SubmitOptions = {},
  ): Promise<Job<Output, Vendor>> {
    return orRefused(() => {
      const payload = submission(agent, input, options);
      this.#demand(demanded(payload));
      const accepted = this.#exchange.ask(
        { type: "job.submit", payload, ...traced(options) },
        (reply) => this.#handles.accepted<Output, Vendor>(reply),
        options.signal,
      );
      if (this.#keeper === undefined) return accepted;
      return unlessAborted(handled(this.#kept(accepted, this.#keeper)), options.signal);
    });
  }

  /**
   * An agent typed by its definition, as in `client.agent<typeof auditAgent>("code-audit")`, by the schema of its input, or by
   * both.
   *
   * @param reference `name` or `name@version`
   * @param known the schema of its input, which is checked before anything is sent
   * @throws LocalError `MISUSE` for an unknown option
   */
  agent<Schema extends StandardSchemaV1>(
    reference: string,
    known: { readonly input: Schema },
  ): TypedAgent<Taking<Schema>>;
  agent<A extends AgentType>(
    reference: ReferenceOf<A>,
    known?: { readonly input?: StandardSchemaV1<InputOf<A>, unknown> },
  ): TypedAgent<A>;
  agent<A extends AgentType>(
    reference: string,
    { input: schema, ...foreign }: { readonly input?: StandardSchemaV1 } = {},
  ): TypedAgent<A> {
    checkNames("agent", foreign);
    return typedAgent<A>(reference, schema, {
      submit: (input, options) =>
        this.submit<OutputOf<A>, VendorEventOf<A>>(reference, input, options),
      job: (id, options) => this.job<OutputOf<A>, VendorEventOf<A>>(id, options),
    });
  }

  /** The agents that this principal may submit to, as of the latest connection. */
  agents(): readonly AgentEntry[] {
    return this.session.agents;
  }

  /**
   * The jobs that this principal may observe, running and finished, in the order of their acceptance: its own, and those
   * of others if the runtime's operator allows it. Pages are fetched as needed. Rejects like the client's requests.
   */
  async *jobs(
    filter: JobFilter = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ListedJob, void, undefined> {
    this.#demand(["list_jobs"]);
    yield* listJobs(this.#exchange, filter, signal);
  }

  /**
   * Yields the jobs that this principal may observe as they appear: first the unfinished ones, then each new one, whatever session
   * submitted it, and even if it has already ended. Subscribes to each with its history. Ends with the client, when the signal
   * aborts, or when the reader leaves; the jobs that were yielded continue. Listings that fail temporarily are requested again.
   *
   * @throws LocalError `MISUSE` if the session lacks a required feature, and for an unknown filter or option
   */
  watch<Output = unknown, Vendor = VendorEvent>(
    filter: WatchFilter = {},
    options: WatchOptions = {},
  ): AsyncIterableIterator<WatchedJob<Output, Vendor>, void> {
    this.#demand(["list_jobs", "subscribe"]);
    const { clock, link } = this.#exchange;
    const source: WatchSource<WatchedJob<Output, Vendor>> = {
      clock,
      over: link.over,
      get refusal() {
        return link.refusal;
      },
      time: (signal) => this.#exchange.time(signal),
      jobs: (which, signal) => this.jobs(which, signal),
      subscribe: (id) => this.subscribe(id, { history: true }),
    };
    return new JobWatch(source, filter, options);
  }

  /**
   * Watches a job that this or another session submitted. Resolves once the runtime has accepted the subscription; `events` yields
   * what is delivered from then on.
   */
  subscribe<Output = unknown, Vendor = VendorEvent>(
    jobId: string,
    options: SubscribeOptions = {},
  ): Promise<WatchedJob<Output, Vendor>> {
    return this.#open<WatchedJob<Output, Vendor>>("subscribe", jobId, options, (feed, subscribed) =>
      this.#handles.watched(feed, subscribed),
    );
  }

  /**
   * A handle for a job that was submitted earlier, for example by another process whose session this client continues. Its
   * `events` start with the first one, or after `fromJobSeq`. Rejects like the client's requests; with `JOB_NOT_FOUND` if the
   * runtime no longer knows the job.
   */
  job<Output = unknown, Vendor = VendorEvent>(
    jobId: string,
    options: ReopenOptions = {},
  ): Promise<ReopenedJob<Output, Vendor>> {
    return this.#open<ReopenedJob<Output, Vendor>>(
      "job",
      jobId,
      { ...options, history: true },
      (feed, subscribed) => this.#handles.reopened(feed, subscribed),
    );
  }

  /**
   * Reconnects immediately if the client is pausing between two attempts; otherwise checks whether the connection is
   * still alive.
   */
  retryNow(): void {
    this.#exchange.link.nudge();
  }

  /**
   * Hands the session over: detaches from it without a goodbye, and returns what another process needs to continue it,
   * for `connect({ restore })`. Whatever is still pending in this client rejects with a LocalError `CLOSED`.
   *
   * @throws LocalError `CLOSED` if the client is closed; `SESSION_LOST` if it has no session right now; `REQUEST_TIMEOUT` if
   *   `persist` has not finished after `requestTimeout`: then continue with what that writes
   */
  async save(): Promise<SavedSession> {
    const { link, feeds } = this.#exchange;
    if (link.refusal !== undefined) throw link.refusal;
    const { session } = link;
    if (session === undefined) {
      throw new LocalError("SESSION_LOST", "the session was lost, and there is no new one yet");
    }
    const saved = session.saved(feeds.jobs);
    link.end(new LocalError("CLOSED", "the session was handed over"));
    // A write still in progress must not overwrite what the next process writes.
    await this.#keeper?.settled();
    return saved;
  }

  /**
   * Ends the session cleanly, within a second; jobs continue (R-6.7-2). Whatever is still pending, such as `result()` of an
   * unfinished job, rejects with a LocalError `CLOSED`. `close` itself never rejects; further calls wait for the same end. Until
   * it is called, the client keeps a Node process alive, even without a connection.
   *
   * @param reason for humans; only the first 1,024 characters are sent, and anything but a string is left out
   */
  close(reason?: string): Promise<void> {
    return this.#exchange.link.close(reason);
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Persists the job with its session before the submitter gets it. If that fails, drops the connection, but returns the job. */
  async #kept<J>(accepted: Promise<J>, keeper: SessionKeeper): Promise<J> {
    const job = await accepted;
    try {
      await keeper.keep();
    } catch (thrown) {
      this.#exchange.link.giveUp(asError(thrown));
    }
    return job;
  }

  /** @param what the name of the method, as its caller knows it */
  #open<T extends object>(
    what: string,
    jobId: string,
    { fromJobSeq, history = fromJobSeq !== undefined, signal, ...foreign }: SubscribeOptions,
    make: (feed: JobFeed, subscribed: Printable<Payload<"job.subscribed">>) => T,
  ): Promise<T> {
    return orRefused(() => {
      checkNames(what, foreign);
      this.#demand(["subscribe"]);
      if (fromJobSeq !== undefined) this.#checkBeginning(fromJobSeq, history);
      const id = JobId.safeParse(jobId);
      if (!id.success) throw misuse("a job id has 1 to 128 characters");
      return this.#exchange.subscriptions.open(id.data, { history, fromJobSeq }, make, signal);
    });
  }

  #checkBeginning(fromJobSeq: number, history: boolean): void {
    if (!history) throw misuse("fromJobSeq says where history begins: it needs history: true");
    // In JSON, a value such as NaN becomes null, which would request the whole history.
    if (!(Number.isSafeInteger(fromJobSeq) && fromJobSeq >= 0)) {
      throw misuse("fromJobSeq must be the number of an event of the job");
    }
    if (fromJobSeq > 0 && !this.#exchange.dialect.correlates) {
      throw misuse("fromJobSeq: the runtime does not number the events of a job");
    }
  }

  /** @throws LocalError `MISUSE` if the session lacks one of the features */
  #demand(features: readonly Feature[]): void {
    const missing = features.find((feature) => !this.session.features.includes(feature));
    if (missing !== undefined) throw misuse(`this session lacks the feature ${missing}`);
  }
}
