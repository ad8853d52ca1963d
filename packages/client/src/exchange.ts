import {
  ArcpError,
  type Clock,
  type Decoded,
  type Envelope,
  encode,
  formatTimestamp,
  type JobId,
  LocalError,
  type MessageId,
  newMessageId,
  type Outgoing,
  type Payload,
  REQUEST_ID_FEATURE,
} from "@arcp/core";
import { handled } from "./handled.ts";
import { JobFeeds } from "./job-feeds.ts";
import { Link, type LinkOptions, type LinkUser } from "./link.ts";
import { Requests } from "./requests.ts";
import type { SessionInfo } from "./session-info.ts";
import { oversize } from "./submission.ts";
import { type Subscriber, type Subscription, Subscriptions } from "./subscriptions.ts";

/** What a client can ask and gets an answer to. */
type RequestType =
  | "job.submit"
  | "job.cancel"
  | "job.subscribe"
  | "session.list_jobs"
  | "session.ping";
/** A request but for what the exchange adds. */
export type Question = { [R in RequestType]: Omit<Outgoing<R>, "id" | "session_id"> }[RequestType];

export interface ExchangeOptions extends LinkOptions {
  /** Milliseconds. */
  readonly requestTimeout: number;
  /** Characters of the frames whose events a handle keeps in memory. */
  readonly eventBuffer: number;
  /** Jobs that the process before followed. */
  readonly jobs: readonly JobId[];
}

/**
 * What passes over a link: requests go out, replies and errors find their request, stream envelopes their job. An error
 * reaches the one request or subscription that it names and nothing else (R-5.4-3). What is not understood is ignored
 * (R-5.3-5).
 */
export class Exchange implements LinkUser, Subscriber {
  readonly link: Link;
  readonly feeds: JobFeeds;
  readonly clock: Clock;
  readonly subscriptions: Subscriptions;
  readonly #requests: Requests;
  readonly #over = new AbortController();
  #session: SessionInfo | undefined;
  /** Jobs that were left when it could not be said: without a connection, or with a subscription under way. */
  readonly #left = new Set<JobId>();

  constructor(options: ExchangeOptions) {
    this.clock = options.clock;
    this.link = new Link(options, this);
    this.feeds = new JobFeeds(options.jobs);
    this.subscriptions = new Subscriptions(this, options.eventBuffer);
    this.#requests = new Requests(options.clock, options.requestTimeout);
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** The present session. */
  get session(): SessionInfo {
    if (this.#session === undefined) throw new Error("asked before there was a session");
    return this.#session;
  }

  /**
   * Asks the runtime, now or as soon as there is a connection.
   *
   * @param read makes the answer of the reply, before anything that came after it is looked at
   * @param signal aborting ends the wait; what was sent is not undone
   * @param id of the request, by which its answer is found
   */
  ask<T extends object>(
    question: Question,
    read: (reply: Envelope, requestId: MessageId) => T | undefined,
    signal?: AbortSignal,
    id = newMessageId("req_"),
  ): Promise<T> {
    const { refusal } = this.link;
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    if (signal?.aborted) return handled(Promise.reject(signal.reason));
    let frame: string;
    try {
      frame = encode<RequestType>({ ...question, id, session_id: this.session.id });
    } catch (cause) {
      const message = `${question.type} holds what is not JSON`;
      return handled(Promise.reject(new LocalError("MISUSE", message, { cause })));
    }
    const tooLarge = oversize(frame);
    if (tooLarge !== undefined) return handled(Promise.reject(tooLarge));
    const answer = this.#requests.open(
      {
        id,
        type: question.type,
        jobId: "job_id" in question ? question.job_id : undefined,
        frame,
        isRepeatable: isRepeatable(question),
        signal,
        // The subscription may begin all the same.
        abandoned: () => {
          if (question.type === "job.subscribe" && question.job_id) this.#left.add(question.job_id);
        },
      },
      (reply) => read(reply, id),
    );
    if (this.link.send(frame)) this.#requests.sent(id);
    const settled = (): void => this.#leave();
    answer.then(settled, settled);
    return answer;
  }

  subscribe<T extends object>(
    payload: Subscription,
    read: (subscribed: Payload<"job.subscribed">, requestId: MessageId) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.ask(
      { type: "job.subscribe", job_id: payload.job_id, payload },
      (reply, id) => (reply.type === "job.subscribed" ? read(reply.payload, id) : undefined),
      signal,
    );
  }

  /**
   * Asks what the runtime's clock shows, in milliseconds since 1970. Rejects as `ask` does, and with a LocalError
   * `PROTOCOL_VIOLATION` when the answer does not tell.
   */
  async time(signal?: AbortSignal): Promise<number> {
    // A pong names the ping that it answers by its nonce.
    const id = newMessageId("req_");
    const payload = { nonce: id, sent_at: formatTimestamp(this.clock.now()) };
    const { received_at } = await this.ask(
      { type: "session.ping", payload },
      (reply) => (reply.type === "session.pong" ? reply.payload : undefined),
      signal,
      id,
    );
    if (received_at !== undefined) return Date.parse(received_at);
    throw new LocalError(
      "PROTOCOL_VIOLATION",
      "the runtime's pong does not tell when it got the ping",
    );
  }

  /**
   * Tells the runtime that nobody follows this job any more, if so. What is being asked for would end with what was
   * before, so its answer is waited for.
   */
  unsubscribe(job: JobId): void {
    this.#left.add(job);
    this.#leave();
  }

  #leave(): void {
    for (const job of this.#left) {
      if (this.#requests.mayFollow(job)) continue;
      if (this.feeds.follows(job) || this.link.send(this.#unsubscription(job))) {
        this.#left.delete(job);
      }
    }
  }

  connected(session: SessionInfo): readonly string[] {
    const isAnother = this.#session !== undefined && this.#session.id !== session.id;
    this.#session = session;
    if (isAnother) {
      this.#left.clear();
      this.#requests.moveTo(session.id);
      for (const feed of this.feeds.detachAll()) void this.subscriptions.renew(feed);
    } else if (!session.features.includes(REQUEST_ID_FEATURE)) {
      // Another runtime than ours may take a repeated request for a new one (R-5.4-8).
      this.#requests.failUnrepeatable();
    }
    const left = [...this.#left].filter((job) => !this.#requests.mayFollow(job));
    for (const job of left) this.#left.delete(job);
    const gone = left.filter((job) => !this.feeds.follows(job));
    return [...gone.map((job) => this.#unsubscription(job)), ...this.#requests.frames()];
  }

  received(decoded: Decoded, size: number): void {
    this.feeds.deliver(decoded, size);
    if (decoded.kind !== "ok") return;
    const { message } = decoded;
    switch (message.type) {
      case "job.accepted":
      case "job.cancelled":
      case "job.subscribed":
      case "session.jobs":
        this.#requests.answer(message, message.payload.request_id);
        break;
      case "session.pong":
        this.#requests.answer(message, message.payload.ping_nonce);
        break;
      case "session.error": {
        const { request_id: id, job_id } = message.payload;
        if (id !== undefined) this.#failed(id, ArcpError.fromPayload(message.payload), job_id);
      }
    }
  }

  ended(error: Error): void {
    this.#over.abort(error);
    this.#requests.failAll(error);
    this.feeds.failAll(error);
  }

  #failed(requestId: string, error: ArcpError, jobId: JobId | undefined): void {
    if (this.#requests.reject(requestId, error)) return;
    if (error.code === "RESUME_WINDOW_EXPIRED") {
      // The subscription fell behind what is kept. It begins anew and tells what it missed (R-6.3-17).
      const feeds = this.feeds.detachSubscriptions(requestId, jobId);
      for (const feed of feeds) void this.subscriptions.renew(feed);
    } else {
      this.feeds.failSubscription(requestId, error);
    }
  }

  #unsubscription(job_id: JobId): string {
    const id = newMessageId("req_");
    const session_id = this.session.id;
    return encode({ id, type: "job.unsubscribe", session_id, job_id, payload: { job_id } });
  }
}

/** A submit may start a second job when it is made again in another session, unless its key tells that it is the same. */
function isRepeatable({ type, payload }: Question): boolean {
  return type !== "job.submit" || payload.idempotency_key !== undefined;
}
