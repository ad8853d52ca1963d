import { ArcpError, type ErrorPayload } from "./arcp-error.ts";
import { encode } from "./codec.ts";
import { newMessageId, newSessionId } from "./ids.ts";

/**
 * Why a connection is closed that nobody took, as the text of a `session.error` (R-4.1-11): for a transport to send before it
 * closes. Of what is no ArcpError, or one that cannot be written, nothing is told. Some clients hear only what names a session,
 * so it names one (R-6.2-11). Never throws: the connection has to be closed all the same.
 */
export function lastWord(error: unknown): string {
  try {
    return write(ArcpError.from(error).toPayload());
  } catch {
    return write(ArcpError.from(undefined).toPayload());
  }
}

function write(payload: ErrorPayload): string {
  const session_id = newSessionId();
  return encode({ id: newMessageId(), type: "session.error", session_id, payload });
}
