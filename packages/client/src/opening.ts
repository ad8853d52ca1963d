import {
  ArcpError,
  type Envelope,
  encode,
  LocalError,
  newMessageId,
  type Payload,
  type SessionId,
  TransportClosedError,
} from "@arcp/core";
import { hasExpired, type LinkError } from "./link-outcome.ts";
import { misuse } from "./misuse.ts";
import type { Session } from "./session.ts";

/** Proves who the client is: a bearer token, or a function that is called for a fresh one on every connection. */
export type TokenSource = string | (() => string | Promise<string>);

/** What a client says about itself; informational only. */
export interface ClientDescription {
  readonly name: string;
  readonly version: string;
}

/** What all opening messages of a client have in common. */
export interface Introduction {
  readonly token: TokenSource | undefined;
  readonly client: ClientDescription;
  /** The features that the client offers. */
  readonly features: readonly string[];
}

/**
 * The opening messages of one connection: a hello, or the resume of an earlier session, in the forms that its runtime may
 * understand (R-6.3-1).
 */
export class Opening {
  readonly #introduction: Introduction;
  readonly #session: Session | undefined;
  #payload: Payload<"session.hello"> | undefined;
  #isInsisting = false;

  constructor(introduction: Introduction, session: Session | undefined) {
    this.#introduction = introduction;
    this.#session = session;
  }

  /**
   * The first frame; calls the token source.
   *
   * @throws LocalError `MISUSE` for a token that is not a string
   */
  async first(): Promise<string> {
    const { token: source, client, features } = this.#introduction;
    const token = typeof source === "function" ? await source() : source;
    if (source !== undefined && typeof token !== "string") {
      throw misuse("the token must be a string, or a function that returns one");
    }
    const payload: Payload<"session.hello"> = {
      client: { ...client },
      ...(token !== undefined && { auth: { scheme: "bearer", token } }),
      capabilities: { encodings: ["json"], features: [...features] },
    };
    this.#payload = payload;
    const session = this.#session;
    if (session?.dialect.resume === "session.resume") return this.#resume(session);
    const both = session && {
      ...placeIn(session),
      resume: placeIn(session),
      session_id: undefined,
    };
    const id = newMessageId("req_");
    return encode({ id, type: "session.hello", payload: { ...payload, ...both } });
  }

  /**
   * The frame to send after a welcome. A runtime that does not support resuming by hello has opened a different session from the
   * requested one, but may support `session.resume` (R-6.3-3).
   *
   * @returns undefined if the welcome completes the handshake
   */
  next({ session_id }: Envelope<"session.welcome">): string | undefined {
    const session = this.#session;
    if (session === undefined || session_id === session.info.id) return undefined;
    if (this.#isInsisting || session.dialect.resume !== "session.hello") return undefined;
    this.#isInsisting = true;
    return this.#resume(session, session_id);
  }

  /**
   * Interprets a failed attempt: `SESSION_LOST` if the runtime does not have the session and never will. A new session is tried
   * next; it will be refused too if it is the client that is not welcome.
   */
  outcome(error: LinkError): LinkError {
    if (this.#session === undefined || hasExpired(error)) return error;
    const { refusals } = this.#session.dialect;
    const isLost =
      error instanceof ArcpError ? refusals.has(error.code) : this.#isInsisting && isAnswer(error);
    if (!isLost) return error;
    const message = "the runtime does not resume the session";
    return new LocalError("SESSION_LOST", message, { cause: error });
  }

  /** @param session_id the session that the connection has by now */
  #resume(session: Session, session_id?: SessionId): string {
    const payload = { ...this.#payload, ...placeIn(session) };
    const id = newMessageId("req_");
    return encode({ id, type: "session.resume", session_id, payload });
  }
}

/** Whether a runtime that got a `session.resume` is there, but has no reply to it, or not the right one. */
function isAnswer(error: LinkError): boolean {
  if (error instanceof TransportClosedError) {
    return error.reason !== undefined && error.reason !== "going-away";
  }
  if (!(error instanceof LocalError)) return false;
  return error.code === "REQUEST_TIMEOUT" || error.code === "PROTOCOL_VIOLATION";
}

function placeIn({ info, token, position }: Session): {
  session_id: SessionId;
  resume_token: string;
  last_event_seq: number;
} {
  return { session_id: info.id, resume_token: token, last_event_seq: position };
}
