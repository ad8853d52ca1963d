import {
  ArcpError,
  decode,
  decodeRequest,
  type Envelope,
  type EnvelopeHeader,
  JobId,
  type SessionId,
} from "@arcp/core";
import { Dialect } from "./dialect/dialect.ts";
import { evidenceOf, type Profile, profileOf } from "./dialect/profile.ts";
import { names, type Rejected } from "./dialect/rejection.ts";

export type Opening = Envelope<"session.hello"> | Envelope<"session.resume">;

/** What the first frame of a connection turned out to be. */
export interface FirstFrame {
  /** Of the message, for the answer. */
  readonly id: string | undefined;
  /** In which forms it is answered, whatever is wrong with it. */
  readonly dialect: Dialect;
  readonly opening: Opening | ArcpError;
}

/**
 * Reads the first message, which must open a session (R-5.3-2).
 * @param setting what the operator has said of how its sender speaks
 */
export function readOpening(frame: string, setting: Profile | undefined): FirstFrame {
  const evidence = evidenceOf(frame);
  const dialect = new Dialect(profileOf(evidence, setting));
  return { id: evidence.id, dialect, opening: openingIn(frame) };
}

function openingIn(frame: string): Opening | ArcpError {
  const decoded = decode(frame);
  if (decoded.kind === "malformed") return invalid(decoded.reason);
  const opening = decoded.kind === "ok" && isOpening(decoded.message) ? decoded.message : undefined;
  return opening ?? invalid("the first message must be session.hello or session.resume");
}

/** What a frame on an established session turned out to be. */
export type Inbound =
  | { readonly kind: "request"; readonly message: Envelope }
  | {
      readonly kind: "rejected";
      readonly request: Rejected;
      readonly error: ArcpError;
    }
  /** A vendor's message that says that it may be dropped (R-5.3-4). */
  | { readonly kind: "ignored" };

/** Reads a message of the client of `session` (R-5.1-5, R-5.3-1, R-5.3-3, R-5.3-4). */
export function readRequest(frame: string, session: SessionId): Inbound {
  const decoded = decodeRequest(frame);
  if (decoded.kind === "malformed") {
    const { id, type, header, payload } = decoded;
    const request = { id, type, ...named(header, payload) };
    return { kind: "rejected", request, error: invalid(decoded.reason) };
  }
  const header = decoded.kind === "ok" ? decoded.message : decoded.header;
  // A resume names the session that it wants (R-6.3-3).
  const foreign = header.session_id !== undefined && header.session_id !== session;
  if (foreign && header.type !== "session.resume") {
    const error = invalid("session_id: is not this connection's session");
    const payload = decoded.kind === "ok" ? decoded.message.payload : undefined;
    const { id, type } = header;
    return { kind: "rejected", request: { id, type, ...named(header, payload) }, error };
  }
  if (decoded.kind === "ok") return { kind: "request", message: decoded.message };
  if (decoded.optional && header.type.startsWith("x-vendor.")) return { kind: "ignored" };
  const error = invalid("type: is not a message that this runtime knows");
  return { kind: "rejected", request: header, error };
}

/** What a request names, whatever else is wrong with it (R-5.4-2). */
function named(header: EnvelopeHeader | undefined, payload: unknown) {
  const fields: Record<string, unknown> =
    typeof payload === "object" && payload !== null ? { ...payload } : {};
  const job = header?.job_id ?? JobId.safeParse(fields["job_id"]).data;
  return names(job, header?.trace_id, fields["agent"]);
}

function isOpening(message: Envelope): message is Opening {
  return message.type === "session.hello" || message.type === "session.resume";
}

function invalid(message: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", message);
}
