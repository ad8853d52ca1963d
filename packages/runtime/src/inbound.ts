import { ArcpError, decode, decodeRequest, type Envelope, type SessionId } from "@arcp/core";
import { Dialect } from "./dialect/dialect.ts";
import { evidenceOf, type Profile, profileOf } from "./dialect/profile.ts";
import { type Rejected, rejected } from "./dialect/rejection.ts";

export type Opening = Envelope<"session.hello"> | Envelope<"session.resume">;

/** The first frame of a connection, as read. */
export interface FirstFrame {
  /** The message id, for the reply. */
  readonly id: string | undefined;
  /** The dialect of the reply, even to an invalid message. */
  readonly dialect: Dialect;
  readonly opening: Opening | ArcpError;
}

/**
 * Reads the first message, which must open a session (R-5.3-2).
 * @param setting the dialect that the operator has set for this peer
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

/** A frame on an established session, as read. */
export type Inbound =
  | { readonly kind: "request"; readonly message: Envelope }
  | {
      readonly kind: "rejected";
      readonly request: Rejected;
      readonly error: ArcpError;
    }
  /** A vendor message marked as optional (R-5.3-4). */
  | { readonly kind: "ignored" };

/** Reads a message from the client of `session` (R-5.1-5, R-5.3-1, R-5.3-3, R-5.3-4). */
export function readRequest(frame: string, session: SessionId): Inbound {
  const decoded = decodeRequest(frame);
  if (decoded.kind === "malformed") {
    const { id, type, header, payload } = decoded;
    const request = rejected({ ...header, id, type, payload });
    return { kind: "rejected", request, error: invalid(decoded.reason) };
  }
  const header = decoded.kind === "ok" ? decoded.message : decoded.header;
  // A resume names the session that it wants to switch to (R-6.3-3).
  const foreign = header.session_id !== undefined && header.session_id !== session;
  if (foreign && header.type !== "session.resume") {
    const error = invalid("session_id: is not this connection's session");
    return { kind: "rejected", request: rejected(header), error };
  }
  if (decoded.kind === "ok") return { kind: "request", message: decoded.message };
  if (decoded.optional && header.type.startsWith("x-vendor.")) return { kind: "ignored" };
  const error = invalid("type: is not a message that this runtime knows");
  return { kind: "rejected", request: rejected(header), error };
}

function isOpening(message: Envelope): message is Opening {
  return message.type === "session.hello" || message.type === "session.resume";
}

function invalid(message: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", message);
}
