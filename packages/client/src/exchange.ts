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
  newTraceId,
  type Payload,
} from "@arcp/core";
import { Departures } from "./departures.ts";
import type { Dialect } from "./dialect.ts";
import { EarlyHistories } from "./early-histories.ts";
import { JobFeeds } from "./job-feeds.ts";
import { Link, type LinkOptions, type LinkUser } from "./link.ts";
import { notJson } from "./misuse.ts";
import { isRepeatable, type Question, type QuestionType } from "./question.ts";
import { Requests } from "./requests.ts";
import type { Session } from "./session.ts";
import type { SessionInfo } from "./session-info.ts";
import { checkSize } from "./submission.ts";
import { type Subscriber, type Subscription, Subscriptions } from "./subscriptions.ts";

export interface ExchangeOptions extends LinkOptions {
  /** Milliseconds. */
  readonly requestTimeout: number;
  /** How many characters of frames a handle keeps in memory as events. */
  readonly eventBuffer: number;
  /** Jobs that the previous process followed. */
  readonly jobs: readonly JobId[];
}

/**
 * Routes what passes over a link: sends requests, and takes replies and errors to their request and stream envelopes to their
 * job. An error reaches only the request or subscription that it names (R-5.4-3). Unknown messages are ignored (R-5.3-5).
 */
export class Exchange implements LinkUser, Subscriber {
  readonly link: Link;
  readonly feeds: JobFeeds;
  readonly clock: Clock;
  readonly subscriptions: Subscriptions;
  readonly #requests: Requests;
  readonly #over = new AbortController();
  readonly #early: EarlyHistories;
  readonly #departures: Departures;
  #session: Session | undefined;

  constructor(options: ExchangeOptions) {
    this.clock = options.clock;
    this.link = new Link(options, this);
    this.feeds = new JobFeeds(options.jobs);
    this.subscriptions = new Subscriptions(this, options.eventBuffer);
    this.#requests = new Requests({
      clock: options.clock,
      timeout: options.requestTimeout,
      send: (frame) => this.link.send(frame),
      jobs: options.jobs,
      dialect: () => this.dialect,
    });
    const { feeds } = this;
    const requests = this.#requests;
    this.#early = new EarlyHistories({ bound: options.eventBuffer, feeds, requests });
    this.#departures = new Departures({
      feeds,
      requests,
      session: () => this.session.id,
      send: (frame) => this.link.send(frame),
    });
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** What is known about the current session. */
  get session(): SessionInfo {
    return this.#present.info;
  }

  /** The dialect of the runtime. */
  get dialect(): Dialect {
    return this.#present.dialect;
  }

  /**
   * Sends a request, now or as soon as there is a connection.
   *
   * @param read turns the reply into the result, before anything that arrived after the reply is handled
   * @param signal aborting ends the wait; a request that was sent is not undone
   * @param id the id of the request, by which its reply is found
   * @throws the error that says why the request cannot be made
   */
  ask<T extends object>(
    question: Question,
    read: (reply: Envelope, requestId: MessageId) => T | undefined,
    signal?: AbortSignal,
    id = newMessageId("req_"),
  ): Promise<T> {
    const { refusal } = this.link;
    if (refusal !== undefined) throw refusal;
    signal?.throwIfAborted();
    const traceId = this.#traceOf(question);
    let frame: string;
    try {
      const trace_id = traceId ?? question.trace_id;
      frame = encode<QuestionType>({ ...question, trace_id, id, session_id: this.session.id });
    } catch (cause) {
      throw notJson(`the payload of ${question.type}`, cause);
    }
    checkSize(frame);
    const { type, job_id: jobId } = question;
    const early = this.#early.open(question, id, this.dialect);
    const answer = this.#requests.open(
      {
        id,
        type,
        jobId,
        traceId,
        frame,
        isRepeatable: isRepeatable(question),
        signal,
        // The subscription may begin nevertheless.
        abandoned: () => {
          if (type === "job.subscribe" && jobId) this.#departures.add(jobId);
          queueMicrotask(() => this.#departures.tell());
        },
      },
      (reply) => {
        if (early === undefined) return read(reply, id);
        const answer = read(early.precede(reply, this.#present.position), id);
        early.release(reply, (decoded, size) => this.feeds.deliver(decoded, size));
        return answer;
      },
    );
    const settled = (): void => {
      this.#early.close(id);
      this.#departures.tell();
    };
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
   * The time by the runtime's clock, in milliseconds since 1970. Rejects as `ask` does, and with a LocalError
   * `PROTOCOL_VIOLATION` if the reply does not contain a time.
   */
  async time(signal?: AbortSignal): Promise<number> {
    // A pong repeats the nonce of its ping, so the nonce serves as the id.
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
      "the runtime's pong does not say when it got the ping",
    );
  }

  /** Tells the runtime, as soon as possible, that nobody follows this job any more, if so. */
  unsubscribe(job: JobId): void {
    this.#departures.add(job);
    this.#departures.tell();
  }

  connected(session: Session): void {
    const isAnother = this.#session !== undefined && this.#session !== session;
    this.#session = session;
    this.#early.restart(isAnother);
    if (isAnother) {
      this.#departures.clear();
      this.#requests.moveTo(session.info.id);
      for (const feed of this.feeds.detachAll()) void this.subscriptions.renew(feed);
    } else if (!session.dialect.correlates) {
      // Runtimes other than ours may take a repeated request for a new one (R-5.4-8).
      this.#requests.failUnrepeatable();
    }
    this.#departures.repeat();
    this.#requests.repeat();
  }

  drained(): void {
    this.#departures.tell();
    this.#requests.send();
  }

  received(decoded: Decoded, size: number): boolean {
    if (decoded.kind === "ok" && decoded.message.type === "job.error") {
      if (this.#requests.takeRejection(decoded.message)) return true;
    }
    this.#early.take(decoded, size, this.dialect);
    this.feeds.deliver(decoded, size);
    const isAnswer = decoded.kind === "ok" && this.#answered(decoded.message);
    this.#requests.heard(decoded);
    return isAnswer;
  }

  ended(error: Error): void {
    this.#over.abort(error);
    this.#requests.failAll(error);
    this.feeds.failAll(error);
  }

  get #present(): Session {
    if (this.#session === undefined) throw new Error("asked before there was a session");
    return this.#session;
  }

  #answered(message: Envelope): boolean {
    switch (message.type) {
      case "job.accepted":
      case "job.cancelled":
      case "job.subscribed":
      case "session.jobs":
        return this.#requests.answer(message, message.payload.request_id);
      case "session.pong":
        return this.#requests.answer(message, message.payload.ping_nonce);
      case "session.error": {
        const { request_id, job_id } = message.payload;
        const id = request_id ?? this.#requests.blamed(message);
        if (id !== undefined) this.#failed(id, ArcpError.fromPayload(message.payload), job_id);
        return id !== undefined;
      }
      default:
        return false;
    }
  }

  #failed(requestId: string, error: ArcpError, jobId: JobId | undefined): void {
    const isLoss = error.code === "RESUME_WINDOW_EXPIRED";
    // If the reply to a subscription was lost as well, the subscription is repeated and gets another reply.
    const isRepeated = isLoss && this.dialect.correlates;
    if (!isRepeated && this.#requests.reject(requestId, error)) return;
    if (isLoss) {
      // The subscription fell behind what the runtime keeps. It begins anew and reports what it missed (R-6.3-17).
      const feeds = this.feeds.detachSubscriptions(requestId, jobId);
      for (const feed of feeds) void this.subscriptions.renew(feed);
    } else {
      this.feeds.failSubscription(requestId, error);
    }
  }

  /** The trace by which the reply to a submit can be recognised: the caller's, otherwise a new one unique to it (R-D-7). */
  #traceOf({ type, trace_id }: Question): string | undefined {
    if (type !== "job.submit" || this.dialect.correlates) return undefined;
    return trace_id ?? newTraceId();
  }
}
