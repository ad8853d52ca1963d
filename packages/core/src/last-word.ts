import { ArcpError } from "./arcp-error.ts";
import { encode } from "./codec.ts";
import { newMessageId, newSessionId } from "./ids.ts";

/**
 * Why a connection is closed that nobody took, as the text of a `session.error` (R-4.1-11): for a transport to send before it
 * closes. Of what is no ArcpError nothing is told. Some clients hear only what names a session, so it names one (R-6.2-11).
 */
export function lastWord(error: unknown): string {
  const payload = ArcpError.from(error).toPayload();
  const session_id = newSessionId();
  return encode({ id: newMessageId(), type: "session.error", session_id, payload });
}
