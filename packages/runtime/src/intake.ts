import { ArcpError, type ClientMessageType, type Envelope } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import type { Dialect } from "./dialect/dialect.ts";
import type { Rejected } from "./dialect/rejection.ts";
import { type Opening, readRequest } from "./inbound.ts";
import { jsonWeight } from "./json-weight.ts";
import type { Requests } from "./session/requests.ts";
import type { Session } from "./session/session.ts";
import { dispatch } from "./verbs/index.ts";
import { reject, rejected } from "./verbs/reject.ts";
import type { Services } from "./verbs/services.ts";

/** Milliseconds that a burst of requests is left to wait for those before it; beyond it is refused what is too much. */
const PATIENCE = 1000;

/** Messages that are done with at once, however many requests are under way (R-4-2). */
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
  /** The token that this connection was given; the client's first message confirms it. */
  readonly token: string;
  /** The client leaves; `word` is said to it last. */
  readonly depart: (word?: Announcement) => void;
  /** Ends the connection with an error. */
  readonly fail: (error: ArcpError) => void;
  /** Waits for this work before the connection is done with. */
  readonly track: (work: Promise<void>) => void;
}

/** What comes in on a session's connection: read, counted, and handed to the verbs. */
export class Intake {
  readonly #options: IntakeOptions;
  #confirmed = false;
  #exchanged = false;
  /** Waiting for requests under way has not helped. */
  #impatient = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Whether anything but heartbeats has come in since this was asked last. */
  exchanged(): boolean {
    const exchanged = this.#exchanged;
    this.#exchanged = false;
    return exchanged;
  }

  /**
   * A burst waits for the requests before it; where those hang, this waits once and no more.
   * @returns what to wait for; undefined when nothing
   */
  patience(): Promise<void> | undefined {
    const { requests } = this.#options.session;
    if (!requests.full) this.#impatient = false;
    else if (!this.#impatient) return this.#waitForRoom(requests);
    return undefined;
  }

  async #waitForRoom(requests: Requests): Promise<void> {
    await this.wait(requests.room());
    this.#impatient = requests.full;
  }

  /** Waits for requests under way, but not for long: nothing else is read meanwhile, not even a ping (R-4-2). */
  async wait(done: Promise<unknown>, ms = PATIENCE): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.services.clock.after(ms, resolve);
    await Promise.race([promise, done]);
    timer.cancel();
  }

  /** @returns the request to leave a fresh session for another, which is not for the verbs (R-6.3-3) */
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

  /** Hands a message of so many characters to its verb, or refuses one too many. */
  handle(message: Envelope, characters: number): void {
    const { session, services, depart, track } = this.#options;
    const counted = !IMMEDIATE.has(message.type);
    if (counted && session.requests.full) {
      return this.#reject(rejected(message), tooManyRequests());
    }
    // Not awaited: a slow request must not hold up a ping (R-4-2).
    const work = dispatch(services, { session, depart }, message);
    if (counted) session.requests.count(work, jsonWeight(message.payload, characters));
    track(work);
  }

  /** The client has its welcome (R-6.3-7). */
  #confirm(): void {
    if (this.#confirmed) return;
    this.#confirmed = true;
    const { session, token, services } = this.#options;
    session.confirmToken(token).catch((error: unknown) => {
      services.logger.error({ err: error }, "a token could not be confirmed");
    });
  }

  /** Rejects a request that no verb has seen. Refused submits wait for their turn, and not without end. */
  #reject(request: Rejected, error: ArcpError): undefined {
    const { session, services, fail, track } = this.#options;
    const said = reject(services, session, request, error);
    if (said !== undefined) track(said);
    if (session.submits.refused <= services.limits.requestsPerSession) return;
    services.logger.warn({ session: session.id }, "a connection has too many requests in flight");
    fail(tooManyRequests());
  }
}

function tooManyRequests(): ArcpError {
  return new ArcpError("INTERNAL_ERROR", "too many requests of this session are in flight", {
    retryable: true,
    details: { reason: "requests_per_session" },
  });
}
