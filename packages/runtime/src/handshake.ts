import {
  ArcpError,
  features,
  isCompatibleVersion,
  LocalError,
  negotiate,
  newSessionId,
  REQUEST_ID_FEATURE,
  type SessionId,
} from "@arcp/core";
import type { Authenticate } from "./auth.ts";
import type { Profile } from "./dialect/profile.ts";
import type { FailedLogins } from "./failed-logins.ts";
import type { Opening } from "./inbound.ts";
import type { Session } from "./session/session.ts";
import type { Sessions } from "./session/sessions.ts";

/** Every feature that this runtime implements, which is all of them. */
const offered: readonly string[] = [...features, REQUEST_ID_FEATURE];

/** @param provisions whether jobs get credentials and the peer may see them (R-9.8-1) */
function offeredFeatures(provisions: boolean): readonly string[] {
  return provisions ? offered : offered.filter((name) => name !== "provisioned_credentials");
}

/** What is known of the peer. */
export interface Remote {
  /** Identifies where the connection comes from; undefined if unknown. */
  readonly source: string | undefined;
  /** Whether the peer may see job credentials. */
  readonly confidential: boolean;
  /** The token that came with the connection itself. */
  readonly bearer?: (() => string) | undefined;
  /** The dialect that the operator has set for this peer. */
  readonly dialect?: Profile | undefined;
}

export interface HandshakeOptions {
  readonly authenticate: Authenticate;
  readonly logins: FailedLogins;
  readonly sessions: Sessions;
  /** Whether jobs get credentials. */
  readonly provisions: boolean;
  /** Whether a `session.resume` without a bearer token is authenticated by its resume token (R-6.3-2). */
  readonly resumesByTokenAlone: boolean;
}

/** The outcome of an opening request. */
export type Handshake =
  /** The session counts as arriving: the receiver must call `sessions.arrived`, whatever happens next. */
  | {
      readonly kind: "bound";
      readonly session: Session;
      /** The new resume token. */
      readonly token: string;
      /** The highest `event_seq` that the client has. Whatever was issued after it must be replayed. */
      readonly after: number;
      readonly resumed: boolean;
      /** The session's epoch. A later resume invalidates this outcome (P5). */
      readonly epoch: number;
    }
  | {
      readonly kind: "refused";
      readonly error: ArcpError;
      /** The session id in the refusal: some clients drop an error without one (R-6.2-11). */
      readonly session: SessionId;
    };

interface ResumeRequest {
  readonly token: string;
  readonly after: number;
  readonly session: SessionId | undefined;
}

/**
 * Opens or resumes a session. Unless it succeeds, no existing session is affected (R-6.3-5).
 * @param over aborts when nobody waits for the result any more; if no token has been checked yet, rejects with its reason
 */
export async function handshake(
  options: HandshakeOptions,
  opening: Opening,
  { source, confidential, bearer }: Remote,
  over: AbortSignal,
): Promise<Handshake> {
  const refused = (error: ArcpError): Handshake => ({
    kind: "refused",
    error,
    session: newSessionId(),
  });
  const invalid = invalidOpening(opening);
  if (invalid !== undefined) return refused(invalid);
  const alone = tokenAlone(options, opening, bearer);
  const authenticated = async (): Promise<string | ArcpError | undefined> => {
    if (alone === undefined) return principalOf(options.authenticate, opening, bearer);
    // Not counted: nobody can guess such a token, but every client that comes back too late presents an old one.
    return (await options.sessions.findByToken(alone))?.principal ?? windowExpired();
  };
  const principal = await options.logins.check(source, authenticated, over);
  if (principal instanceof ArcpError) return refused(principal);
  if (principal === undefined) {
    return refused(new ArcpError("UNAUTHENTICATED", "the bearer token is missing or not valid"));
  }
  const request = resumeRequest(opening);
  if (request === undefined) {
    const asked = opening.payload.capabilities?.features ?? [];
    const ours = offeredFeatures(options.provisions && confidential);
    const opened = await options.sessions.open(principal, negotiate(ours, asked));
    if (opened instanceof ArcpError) return refused(opened);
    const { session, token } = opened;
    return {
      kind: "bound",
      session,
      token,
      after: 0,
      resumed: false,
      epoch: session.stream.writer.epoch,
    };
  }
  return (await resume(options.sessions, principal, request)) ?? refused(windowExpired());
}

/** Replaces a fresh session by another one that the client resumes (R-6.3-3). Every refusal names the fresh session. */
export async function resumeInstead(
  sessions: Sessions,
  fresh: Session,
  opening: Opening,
): Promise<Handshake> {
  const refused = (error: ArcpError): Handshake => ({ kind: "refused", error, session: fresh.id });
  const invalid = invalidOpening(opening);
  if (invalid !== undefined) return refused(invalid);
  const request = resumeRequest(opening);
  const outcome = request && (await resume(sessions, fresh.principal, request));
  return outcome ?? refused(windowExpired());
}

/**
 * All failures of the resume itself look the same to the client (R-6.3-5). Only a principal that already has too many connected
 * sessions gets another error.
 * @returns undefined if the session cannot be resumed
 */
async function resume(
  sessions: Sessions,
  principal: string,
  { token, after, session: named }: ResumeRequest,
): Promise<Handshake | undefined> {
  const session = await sessions.findByToken(token);
  if (session === undefined || session.principal !== principal) return undefined;
  if (named !== undefined && named !== session.id) return undefined;
  if (!(await sessions.canResume(session, after))) return undefined;
  const full = sessions.arrive(session);
  if (full !== undefined) return { kind: "refused", error: full, session: session.id };
  try {
    const claim = await session.claim(token);
    if (claim !== "fenced") {
      await session.takeOver();
      return { kind: "bound", session, after, resumed: true, ...claim };
    }
  } catch (error) {
    sessions.arrived(session);
    throw error;
  }
  sessions.arrived(session);
  return undefined;
}

/** The error for a failed resume; it must not reveal the cause. */
export function windowExpired(): ArcpError {
  return new ArcpError("RESUME_WINDOW_EXPIRED", "the session can no longer be resumed");
}

/**
 * The error for an opening request that failed unexpectedly. What was thrown is never shown to the client, even an ArcpError
 * (R-12-1).
 */
export function unexpected(): ArcpError {
  return ArcpError.from(undefined);
}

/** Reads any of the three forms of a resume (R-6.3-1). Undefined for a plain hello. */
function resumeRequest({ type, payload }: Opening): ResumeRequest | undefined {
  const position = type === "session.resume" ? payload : payload.resume;
  if (position !== undefined) {
    return {
      token: position.resume_token,
      after: position.last_event_seq ?? 0,
      session: position.session_id,
    };
  }
  if (type !== "session.hello" || payload.resume_token === undefined) return undefined;
  return { token: payload.resume_token, after: payload.last_event_seq ?? 0, session: undefined };
}

/** The resume token that has to authenticate the request, because no bearer token was presented, not even an invalid one. */
function tokenAlone(
  { resumesByTokenAlone }: HandshakeOptions,
  { type, payload }: Opening,
  bearer: Remote["bearer"],
): string | undefined {
  if (!resumesByTokenAlone || bearer !== undefined || payload.auth !== undefined) return undefined;
  return type === "session.resume" ? payload.resume_token : undefined;
}

function invalidOpening({ arcp, payload }: Opening): ArcpError | undefined {
  if (!isCompatibleVersion(arcp)) {
    return new ArcpError("INVALID_REQUEST", "arcp: this runtime speaks version 1.1");
  }
  const encodings = payload.capabilities?.encodings;
  if (encodings !== undefined && !encodings.includes("json")) {
    return new ArcpError(
      "INVALID_REQUEST",
      "payload.capabilities.encodings: this runtime supports only json",
    );
  }
  return undefined;
}

/** A token in the opening message wins, even a wrong one: the connection's own token may be meant for a proxy. */
async function principalOf(
  authenticate: Authenticate,
  { payload }: Opening,
  bearer: Remote["bearer"],
): Promise<string | undefined> {
  const { auth = { scheme: "bearer", token: bearer?.() ?? "" } } = payload;
  if (auth.scheme !== "bearer" || auth.token === "") return undefined;
  const principal: unknown = await verdict(authenticate, auth.token);
  // JavaScript callers have several ways to say "nobody": undefined, null, false, an empty string.
  if (!principal) return undefined;
  if (typeof principal === "string") return principal;
  throw new LocalError("MISUSE", "auth must return the name of a principal, or nothing");
}

/**
 * @throws Error for the operator. Libraries throw for an invalid token, and a client whose token has expired would retry forever.
 */
async function verdict(authenticate: Authenticate, token: string): Promise<unknown> {
  try {
    return await authenticate(token);
  } catch (cause) {
    throw new Error("auth threw: for an invalid token it has to return undefined", {
      cause,
    });
  }
}
