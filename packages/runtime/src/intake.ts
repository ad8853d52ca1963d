import { ArcpError, type ClientMessageType, type Envelope } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import type { Dialect } from "./dialect/dialect.ts";
import { type Rejected, rejected } from "./dialect/rejection.ts";
import { type Opening, readRequest } from "./inbound.ts";
import { jsonWeight } from "./json-weight.ts";
import type { RequestLimit } from "./session/requests.ts";
import type { Session } from "./session/session.ts";
import { dispatch } from "./verbs/index.ts";
import { reject } from "./verbs/reject.ts";
import type { Services } from "./verbs/services.ts";

/** Milliseconds that a burst of requests waits for the earlier ones. After that, requests above the limit are refused. */
const MAX_WAIT_MS = 1000;

/** Messages that are handled immediately, however many requests are in progress (R-4-2). */
const IMMEDIATE: ReadonlySet<string> = new Set<ClientMessageType>([
  "session.ping",
  "session.pong",
  "session.ack",
  "session.close",
  "session.bye",
]);

export interface IntakeOptions {
  readonly services: Services;
  readonly session: Session;
  readonly dialect: Dialect;
  /** The token that this connection was given. The client's first message confirms it. */
  readonly token: string;
  /** Called when the client leaves. `word` is the last message to it. */
  readonly depart: (word?: Announcement) => void;
  /** Ends the connection with an error. */
  readonly fail: (error: ArcpError) => void;
  /** Registers work that must settle before the connection is done. */
  readonly track: (work: Promise<void>) => void;
}

/** Handles what arrives on a session's connection: reads it, counts it, and dispatches it to the verbs. */
export class Intake {
  readonly #options: IntakeOptions;
  #confirmed = false;
  #exchanged = false;
  /** Until when a request waits for room, on the monotonic clock; undefined as long as there is room. */
  #patientUntil: number | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Whether anything but heartbeats has arrived since the last call. */
  exchanged(): boolean {
    const exchanged = this.#exchanged;
    this.#exchanged = false;
    return exchanged;
  }

  /**
   * Makes a burst wait for earlier requests. If those hang, it waits only once.
   * @returns what to wait for before asking again; undefined if the next request can be taken, or refused
   */
  room(): Promise<void> | undefined {
    const { session, services } = this.#options;
    if (session.requests.reached === undefined) {
      this.#patientUntil = undefined;
      return undefined;
    }
    const now = services.clock.monotonic();
    this.#patientUntil ??= now + MAX_WAIT_MS;
    const left = this.#patientUntil - now;
    return left > 0 ? this.wait(session.requests.room(), left) : undefined;
  }

  /** Waits for requests in progress, but not for long: nothing else is read meanwhile, not even a ping (R-4-2). */
  async wait(done: Promise<unknown>, ms = MAX_WAIT_MS): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.services.clock.after(ms, resolve);
    await Promise.race([promise, done]);
    timer.cancel();
  }

  /** @returns a request to leave a fresh session for another, which the connection itself has to handle (R-6.3-3) */
  take(frame: string): Opening | undefined {
    const { session, dialect } = this.#options;
    this.#confirm();
    const inbound = readRequest(frame, session.id);
    if (inbound.kind === "ignored") return undefined;
    if (inbound.kind === "rejected") {
      this.#exchanged = true;
      dialect.heard(inbound.request.type);
      return this.#reject(inbound.request, inbound.error);
    }
    const message = dialect.read(inbound.message);
    dialect.heard(message.type);
    if (message.type !== "session.ping" && message.type !== "session.pong") this.#exchanged = true;
    if (message.type === "session.resume" && session.untouched) return message;
    this.handle(message, frame.length);
    return undefined;
  }

  /** Dispatches a message to its verb, or refuses it if there are too many. `characters` is the length of its frame. */
  handle(message: Envelope, characters: number): void {
    const { session, services, depart, track } = this.#options;
    const counted = !IMMEDIATE.has(message.type);
    const reached = counted ? session.requests.reached : undefined;
    if (reached !== undefined) return this.#reject(rejected(message), tooManyRequests(reached));
    // Not awaited, so that a slow request does not delay a ping (R-4-2).
    const work = dispatch(services, { session, depart }, message);
    if (counted) session.requests.count(work, jsonWeight(message.payload, characters));
    track(work);
  }

  /** Any message proves that the client has its welcome, and with it the token (R-6.3-7). */
  #confirm(): void {
    if (this.#confirmed) return;
    this.#confirmed = true;
    const { session, token, services } = this.#options;
    session.confirmToken(token).catch((error: unknown) => {
      services.logger.error({ err: error }, "a token could not be confirmed");
    });
  }

  /** Rejects a request before it reaches a verb. Refusals of submits are queued in order, up to a limit. */
  #reject(request: Rejected, error: ArcpError): undefined {
    const { session, services, fail, track } = this.#options;
    const said = reject(services, session, request, error);
    if (said !== undefined) track(said);
    if (session.submits.refused <= services.limits.requestsPerSession) return;
    services.logger.warn({ session: session.id }, "a connection has too many requests in flight");
    fail(tooManyRequests("requests_per_session"));
  }
}

const TOO_MANY: Readonly<Record<RequestLimit, string>> = {
  requests_per_session: "too many requests of this session are in flight",
  request_characters_per_principal:
    "the requests of this principal in flight are too large together",
};

function tooManyRequests(reason: RequestLimit): ArcpError {
  return new ArcpError("INTERNAL_ERROR", TOO_MANY[reason], {
    retryable: true,
    details: { reason },
  });
}
