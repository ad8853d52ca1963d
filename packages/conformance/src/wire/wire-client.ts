import {
  type CloseReason,
  type Envelope,
  formatTimestamp,
  LocalError,
  newMessageId,
  PROTOCOL_VERSION,
  type SessionId,
  type Transport,
} from "@arcp/core";
import { isRefusalOf, isReplyTo, type ReplyTo, type RequestType } from "../reply-type.ts";
import type { SessionRecord } from "../sniffer/session-record.ts";
import type { Violation } from "../sniffer/violation.ts";
import { type Introduction, openingRequest, type ResumeForm } from "./opening-request.ts";
import type { Sent, WireMessage } from "./sent.ts";
import { isStreamEnvelope, type StreamEnvelope } from "./stream-envelope.ts";
import type { Transcript } from "./transcript.ts";
import { type Ending, WireLine, type WireOptions } from "./wire-line.ts";
import { WireRejection } from "./wire-rejection.ts";

/** Envelope fields of a request that the caller may set. */
export interface RequestOptions {
  /** The envelope's id. Default: a fresh one that starts with `req_`. */
  readonly id?: string;
  /** The envelope's `job_id`. Default: that of the payload, if it has one. */
  readonly jobId?: string;
  readonly traceId?: string;
}

/** What a resume presents. */
export interface ResumeOptions {
  /** Default `resume`. */
  readonly form?: ResumeForm;
  /** Default: the highest number that arrived. */
  readonly lastEventSeq?: number;
  /** Default: the newest that this client was given. */
  readonly resumeToken?: string;
  /** The bearer token; null presents none. Default: that of the hello. */
  readonly token?: string | null;
  /** Default: those of the hello. */
  readonly features?: readonly string[];
}

/**
 * A deliberately simple client: it sends what it is told to and shows what comes. A sniffer watches both directions; what it finds
 * is thrown, as a `WireViolation`, by the wait in progress, or else by the next one, or by `close`.
 *
 * A wait takes the first unread envelope that matches and leaves the others for later waits. One that takes too long, or that the
 * end of the connection cuts short, throws a {@link LocalError} that shows the last frames.
 */
export class WireClient implements AsyncDisposable {
  readonly #line: WireLine;
  readonly #options: WireOptions;
  #introduction: Introduction | undefined;
  #welcome: Envelope<"session.welcome"> | undefined;

  /** @param resumes what an earlier connection's sniffer knows of the session; `resume` passes it on */
  constructor(transport: Transport, options: WireOptions = {}, resumes?: SessionRecord) {
    this.#options = options;
    this.#line = new WireLine(transport, options, resumes, (envelope) => this.#heard(envelope));
  }

  /** How the connection ended, once it has. */
  get closed(): Promise<Ending> {
    return this.#line.closed;
  }

  /** The frames of both directions; its `toString` shows them all. */
  get transcript(): Transcript {
    return this.#line.transcript;
  }

  /** Everything that the sniffer has found, whether it was thrown already or not. */
  get violations(): readonly Violation[] {
    return this.#line.sniffer.violations;
  }

  /** The newest welcome. Throws a {@link LocalError} before it. */
  get welcome(): Envelope<"session.welcome"> {
    if (this.#welcome === undefined) throw new LocalError("MISUSE", "there was no welcome yet");
    return this.#welcome;
  }

  /** The session that the welcome named. Throws a LocalError `MISUSE` before it. */
  get sessionId(): SessionId {
    return this.#session.id;
  }

  /** What both peers agreed on. */
  get features(): ReadonlySet<string> {
    return this.#session.features;
  }

  /** The highest `event_seq` that arrived in this session, on whichever connection. */
  get lastEventSeq(): number {
    return this.#session.stream.highest;
  }

  /** Opens a new session. Throws a {@link WireRejection} when the runtime refuses. */
  hello(introduction: Introduction): Promise<Envelope<"session.welcome">> {
    this.#introduction = introduction;
    return this.#open(openingRequest(introduction));
  }

  /**
   * Resumes this session over another transport, whether or not this connection is still alive. Throws a
   * {@link WireRejection} when the runtime refuses.
   *
   * @returns the client of the new connection, whose sniffer knows all that this one's knew
   */
  async resume(transport: Transport, options: ResumeOptions = {}): Promise<WireClient> {
    const { form = "resume", lastEventSeq = this.lastEventSeq } = options;
    if (this.#introduction === undefined) throw new LocalError("MISUSE", "say hello first");
    const introduction = {
      ...this.#introduction,
      ...(options.token === undefined ? {} : { token: options.token }),
      ...(options.features === undefined ? {} : { features: options.features }),
    };
    const resumeToken = options.resumeToken ?? this.welcome.payload.resume_token;
    const position = { form, lastEventSeq, resumeToken, sessionId: this.sessionId };
    const next = new WireClient(transport, this.#options, this.#session);
    next.#introduction = introduction;
    if (form === "after-hello") await next.hello(introduction);
    await next.#open(openingRequest(introduction, position));
    return next;
  }

  /** Submits a job. Throws a {@link WireRejection} when the runtime refuses. */
  submit(payload: Sent<"job.submit">, options?: RequestOptions): Promise<Envelope<"job.accepted">> {
    return this.request("job.submit", payload, options);
  }

  /** Sends a request and awaits its reply. Throws a {@link WireRejection} when the runtime refuses. */
  async request<T extends RequestType>(
    type: T,
    payload: Sent<T>,
    options: RequestOptions = {},
  ): Promise<ReplyTo<T>> {
    const { id = newMessageId("req_"), jobId = jobIn(payload), traceId } = options;
    await this.send({ id, type, job_id: jobId, trace_id: traceId, payload });
    return this.reply(type, id);
  }

  /** Awaits the reply to a request that was sent before. Throws a {@link WireRejection} when the runtime refuses. */
  async reply<T extends RequestType>(type: T, id: string): Promise<ReplyTo<T>> {
    const reply = await this.#line.take(
      `the reply to ${type} ${id}`,
      (envelope): envelope is ReplyTo<T> | Envelope<"session.error"> =>
        isRefusalOf(id, envelope) || isReplyTo(type, id, envelope),
    );
    if (isReplyTo(type, id, reply)) return reply;
    throw new WireRejection(reply);
  }

  /**
   * Sends a frame: a text as it is, or a message without what this client knows itself.
   *
   * @param options.faulty the frame breaks a rule on purpose, so the sniffer only takes note of its id
   */
  async send(
    frame: string | WireMessage,
    options: { readonly faulty?: boolean } = {},
  ): Promise<void> {
    const text = typeof frame === "string" ? frame : JSON.stringify(this.#complete(frame));
    await this.#line.send(text, options.faulty === true);
  }

  /** The next unread stream envelope that fits. */
  next<E extends StreamEnvelope>(fits: (envelope: StreamEnvelope) => envelope is E): Promise<E>;
  next(fits?: (envelope: StreamEnvelope) => boolean): Promise<StreamEnvelope>;
  next(fits: (envelope: StreamEnvelope) => boolean = () => true): Promise<StreamEnvelope> {
    return this.#line.take(
      `a stream envelope that fits ${fits}`,
      (envelope): envelope is StreamEnvelope => isStreamEnvelope(envelope) && fits(envelope),
    );
  }

  /** All unread stream envelopes up to and including the first that fits. */
  async until(fits: (envelope: StreamEnvelope) => boolean): Promise<StreamEnvelope[]> {
    const { clock, timeoutMs } = this.#line;
    const deadline = clock.monotonic() + timeoutMs;
    const all: StreamEnvelope[] = [];
    for (;;) {
      const what = `a stream envelope that fits ${fits}; ${all.length} did not`;
      const left = Math.max(0, deadline - clock.monotonic());
      const envelope = await this.#line.take(what, isStreamEnvelope, left);
      all.push(envelope);
      if (fits(envelope)) return all;
    }
  }

  /** The next unread envelope that fits and is not of the stream: a child's acceptance, an error, a closure. */
  notice<E extends Envelope>(fits: (envelope: Envelope) => envelope is E): Promise<E>;
  notice(fits: (envelope: Envelope) => boolean): Promise<Envelope>;
  notice(fits: (envelope: Envelope) => boolean): Promise<Envelope> {
    return this.#line.take(
      `an envelope that fits ${fits}`,
      (envelope): envelope is Envelope => !isStreamEnvelope(envelope) && fits(envelope),
    );
  }

  /** Closes the transport without a `session.close`, and throws what the sniffer has found and no wait has thrown yet. */
  close(reason?: CloseReason): Promise<void> {
    return this.#line.close(reason);
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #session(): SessionRecord {
    const { session } = this.#line.sniffer;
    if (session === undefined) throw new LocalError("MISUSE", "there was no welcome yet");
    return session;
  }

  async #open(request: WireMessage): Promise<Envelope<"session.welcome">> {
    const id = newMessageId("req_");
    await this.send({ ...request, id, session_id: undefined });
    const answer = await this.#line.take(
      "a session.welcome",
      (envelope): envelope is Envelope<"session.welcome" | "session.error"> =>
        envelope.type === "session.welcome" || envelope.type === "session.error",
    );
    if (answer.type === "session.error") throw new WireRejection(answer);
    return answer;
  }

  #complete(message: WireMessage): WireMessage {
    return {
      arcp: PROTOCOL_VERSION,
      id: newMessageId("req_"),
      session_id: this.#line.sniffer.session?.id,
      ...message,
    };
  }

  #heard(envelope: Envelope): void {
    if (envelope.type === "session.welcome") this.#welcome = envelope;
    if (envelope.type !== "session.ping" || this.#options.answerPings === false) return;
    const received_at = formatTimestamp(this.#line.clock.now());
    const payload = { ping_nonce: envelope.payload.nonce, received_at };
    // If the connection closes while the pong is sent, `closed` reports it.
    this.send({ type: "session.pong", payload }).catch(() => {});
  }
}

/** The job that a request is about: its envelope names it as its payload does (R-5.1-4). */
function jobIn(payload: object): string | undefined {
  return "job_id" in payload && typeof payload.job_id === "string" ? payload.job_id : undefined;
}
