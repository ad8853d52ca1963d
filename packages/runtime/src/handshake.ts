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

/** The features that this runtime has: all of them. */
const offered: readonly string[] = [...features, REQUEST_ID_FEATURE];

/** @param provisions whether jobs get credentials, and these may be shown to the peer (R-9.8-1) */
function offeredFeatures(provisions: boolean): readonly string[] {
  return provisions ? offered : offered.filter((name) => name !== "provisioned_credentials");
}

/** What is known of the other end of a connection. */
export interface Remote {
  /** Whom it comes from; undefined when that is not known. */
  readonly source: string | undefined;
  /** Whether it may be shown the credentials of jobs. */
  readonly confidential: boolean;
  /** The token that its connection came with. */
  readonly bearer?: (() => string) | undefined;
  /** What the operator has said of how it speaks. */
  readonly dialect?: Profile | undefined;
}

export interface HandshakeOptions {
  readonly authenticate: Authenticate;
  readonly logins: FailedLogins;
  readonly sessions: Sessions;
  /** Whether jobs get credentials. */
  readonly provisions: boolean;
}

/** What became of an opening request. */
export type Handshake =
  /** The session is arriving: whoever gets this says `arrived` to the sessions, whatever comes of it. */
  | {
      readonly kind: "bound";
      readonly session: Session;
      /** The fresh resume token. */
      readonly token: string;
      /** The highest number that the client has; what was issued beyond it is to be replayed. */
      readonly after: number;
      readonly resumed: boolean;
      /** The session's epoch: a later resume makes this outcome void (P5). */
      readonly epoch: number;
    }
  | {
      readonly kind: "refused";
      readonly error: ArcpError;
      /** The id that the refusal carries: some clients drop an error without one (R-6.2-11). */
      readonly session: SessionId;
    };

interface ResumeRequest {
  readonly token: string;
  readonly after: number;
  readonly session: SessionId | undefined;
}

/**
 * Opens or resumes a session. Touches no session of anybody unless it succeeds (R-6.3-5).
 * @param over aborts when nobody waits for the answer any more: rejects with its reason where no token was looked at yet
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
  const principal = await options.logins.check(
    source,
    () => principalOf(options.authenticate, opening, bearer),
    over,
  );
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

/** Resumes another session of a client in the place of a fresh one (R-6.3-3), which all refusals name. */
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
 * All failures of the resume itself look the same from outside (R-6.3-5); another thing is a principal that has too many
 * sessions connected already.
 * @returns undefined when the session cannot be resumed
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

/** How a resume is refused of which nothing else may be said. */
export function windowExpired(): ArcpError {
  return new ArcpError("RESUME_WINDOW_EXPIRED", "the session can no longer be resumed");
}

/** How an opening request is refused that failed: what was thrown is no word to the client, whatever it looks like (R-12-1). */
export function unexpected(): ArcpError {
  return ArcpError.from(undefined);
}

/** Reads all three forms of a resume (R-6.3-1); undefined for a plain hello. */
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

/** What the opening says of itself counts, right or wrong; what its connection came with may be meant for a proxy. */
async function principalOf(
  authenticate: Authenticate,
  { payload }: Opening,
  bearer: Remote["bearer"],
): Promise<string | undefined> {
  const { auth = { scheme: "bearer", token: bearer?.() ?? "" } } = payload;
  if (auth.scheme !== "bearer" || auth.token === "") return undefined;
  const principal: unknown = await verdict(authenticate, auth.token);
  // Plain JavaScript has many words for nobody.
  if (!principal) return undefined;
  if (typeof principal === "string") return principal;
  throw new LocalError("MISUSE", "auth must return the name of a principal, or nothing");
}

/** @throws Error for the operator. Libraries throw where a token is not valid, and the client of one that has expired would come for ever. */
async function verdict(authenticate: Authenticate, token: string): Promise<unknown> {
  try {
    return await authenticate(token);
  } catch (cause) {
    throw new Error("auth threw: for a token that is not valid it has to give undefined", {
      cause,
    });
  }
}
