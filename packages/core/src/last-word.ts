import { ArcpError, type ErrorPayload } from "./arcp-error.ts";
import { encode } from "./codec.ts";
import { newMessageId, newSessionId } from "./ids.ts";

/**
 * The text of a `session.error` that a transport sends before it closes a connection that was not accepted (R-4.1-11). An error
 * that is not an ArcpError, or that cannot be encoded, becomes an `INTERNAL_ERROR` without details. The message carries a fresh
 * session id, since some clients ignore messages without one (R-6.2-11). Never throws: the connection has to be closed anyway.
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
