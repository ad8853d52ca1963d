import type { JobId, Payload, ProvisionedCredential, VendorEvent } from "@arcp/core";
import { handled } from "./handled.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobFeed, JobOutcome } from "./job-feed.ts";
import type { Progress } from "./job-gauges.ts";
import { misuse } from "./misuse.ts";
import { assembled, decodeText, streamOf } from "./streamed-result.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** Where a handle gets its data from, and where its requests go. */
export interface JobSource {
  readonly feed: JobFeed;
  readonly maxResultBytes: number;
}

/** A job as its handle shows it, over any number of connections. */
abstract class JobHandle<Output, Vendor = VendorEvent> {
  readonly id: JobId;
  readonly #feed: JobFeed;
  readonly #maxResultBytes: number;
  #result: Promise<Output> | undefined;
  #bytes: Promise<Uint8Array<ArrayBuffer>> | undefined;
  #text: Promise<string> | undefined;

  protected constructor({ feed, maxResultBytes }: JobSource) {
    this.id = feed.jobId;
    this.#feed = feed;
    this.#maxResultBytes = maxResultBytes;
  }

  /**
   * The job's events, for any number of readers, each from the start and at its own pace. Events that are no longer in
   * memory are fetched again from the runtime; if the runtime no longer keeps them, an event of kind `history_lost`
   * says so. Ends with the job; fails if the job is lost from sight before that: with an ArcpError of the runtime, or a
   * LocalError, `CLOSED` after the client was closed.
   */
  get events(): AsyncIterable<JobEvent<Vendor>> {
    // The type rests on the agent's definition, like that of the result: the runtime lets an agent emit nothing else.
    return this.#feed.events as AsyncIterable<JobEvent<Vendor>>;
  }

  /**
   * The credentials that the runtime provisioned for the job, by id, with their current values: look them up when you
   * need them, because they rotate. Empty once the job has ended. Printing it shows no values.
   */
  get credentials(): ReadonlyMap<string, ProvisionedCredential> {
    return this.#feed.credentials.all;
  }

  /** The latest progress that the agent reported; undefined if none yet. */
  get progress(): Progress | undefined {
    return this.#feed.gauges.progress;
  }

  /**
   * What remains of each budgeted currency, as last reported by the runtime, for display: the numbers are not exact,
   * and small costs are reported a few at a time (R-9.6-10).
   */
  get budget(): ReadonlyMap<string, number> {
    return this.#feed.gauges.budget;
  }

  /**
   * How the job ended, whether well or not. Rejects only if `events` fails.
   *
   * @param signal aborting it ends the wait, here and below, with its reason; the job continues
   */
  outcome(signal?: AbortSignal): Promise<JobOutcome<Output>> {
    // The type is not checked: callers that name it trust the runtime to host that very agent.
    return unlessAborted(this.#feed.outcome as Promise<JobOutcome<Output>>, signal);
  }

  /**
   * What the agent returned, or null if it returned nothing. Rejects with the ArcpError that ended the job, with the
   * error with which `events` fails, or with a LocalError `MISUSE` if the result was streamed.
   */
  result(signal?: AbortSignal): Promise<Output> {
    this.#result ??= handled(this.outcome().then(inlineResult));
    return unlessAborted(this.#result, signal);
  }

  /**
   * The streamed result as one piece, checked (R-8.4-7). Rejects as `result` does, here with `MISUSE` when the result
   * was not streamed or exceeds the client's `maxResultBytes`, with `PROTOCOL_VIOLATION` when a check fails, and with
   * `HISTORY_LOST` when the runtime no longer keeps all of it.
   */
  bytes(signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    this.#bytes ??= handled(assembled(this.#feed, this.#maxResultBytes));
    return unlessAborted(this.#bytes, signal);
  }

  /**
   * The streamed result as it arrives, for pipes and files, without holding all of it in memory. It errors as `bytes`
   * rejects, even after some bytes have been read: only its end confirms that they are the result.
   */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#feed);
  }

  /** Like `bytes`, decoded from UTF-8; `PROTOCOL_VIOLATION` if it is not valid UTF-8. */
  text(signal?: AbortSignal): Promise<string> {
    this.#text ??= handled(this.bytes().then(decodeText));
    return unlessAborted(this.#text, signal);
  }
}

/** A reply without what must not be printed (R-9.8-13). */
export type Printable<T> = Omit<T, "credentials">;

/** A job that this client submitted. */
export class Job<Output = unknown, Vendor = VendorEvent> extends JobHandle<Output, Vendor> {
  /**
   * The acceptance: what the job may do and spend; `truncated` if its key led to an existing job whose older history is
   * gone.
   */
  readonly accepted: Printable<Payload<"job.accepted">>;
  readonly #cancel: Cancel;

  constructor(source: JobSource, accepted: Printable<Payload<"job.accepted">>, cancel: Cancel) {
    super(source);
    this.accepted = accepted;
    this.#cancel = cancel;
  }

  /**
   * Asks the runtime to end the job. Resolves when this is acknowledged, even if the job has already ended; the job
   * itself ends with `CANCELLED` once the agent has stopped. Rejects as requests of the client do.
   *
   * @param reason for humans; at most 1,024 characters
   * @param signal aborting ends the wait for the acknowledgement, not the request
   */
  cancel(reason?: string, signal?: AbortSignal): Promise<void> {
    return this.#cancel(reason, signal);
  }
}

/** How a handle requests the end of its job. */
export type Cancel = (reason: string | undefined, signal: AbortSignal | undefined) => Promise<void>;

/** A job that this client watches without authority over it. */
export class WatchedJob<Output = unknown, Vendor = VendorEvent> extends JobHandle<Output, Vendor> {
  /** The job's state and authority when the subscription began; `truncated` if older history was gone. */
  readonly subscribed: Printable<Payload<"job.subscribed">>;
  readonly #leave: () => void;

  constructor(
    source: JobSource,
    subscribed: Printable<Payload<"job.subscribed">>,
    leave: () => void,
  ) {
    super(source);
    this.subscribed = subscribed;
    this.#leave = leave;
  }

  /** Stops watching: readers of `events` end, and a pending `result()` rejects with `CLOSED`. */
  unsubscribe(): void {
    this.#leave();
  }
}

/** Where the events of a reopened job start. */
export interface ReopenOptions {
  /** Replay only events after this job event number (an event's `jobSeq`). Default: everything. */
  readonly fromJobSeq?: number | undefined;
  /** Aborting it ends the wait for the runtime's response. */
  readonly signal?: AbortSignal | undefined;
}

/** A job that was submitted before, by this process or another one. */
export class ReopenedJob<Output = unknown, Vendor = VendorEvent> extends WatchedJob<
  Output,
  Vendor
> {
  readonly #cancel: Cancel;

  constructor(
    source: JobSource,
    subscribed: Printable<Payload<"job.subscribed">>,
    leave: () => void,
    cancel: Cancel,
  ) {
    super(source, subscribed, leave);
    this.#cancel = cancel;
  }

  /**
   * Like `Job.cancel`, for the session that owns the job, or any session of its principal once the owner is forgotten.
   * In any other session it rejects with `PERMISSION_DENIED`.
   */
  cancel(reason?: string, signal?: AbortSignal): Promise<void> {
    return this.#cancel(reason, signal);
  }
}

function inlineResult<Output>(outcome: JobOutcome<Output>): Output {
  if (outcome.status !== "success") throw outcome.error;
  if (outcome.stream === undefined) return outcome.result as Output;
  throw misuse("the result was streamed: get it with text(), bytes() or stream()");
}
