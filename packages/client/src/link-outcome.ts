import { ArcpError, LocalError, TransportClosedError } from "@arcp/core";
import { reasonOf } from "./reason-of.ts";

/** How a connection ended, or an attempt failed. */
export type LinkError = ArcpError | LocalError;

/**
 * Whether the client must not reconnect after a connection or an attempt that ended this way:
 * - the runtime refused for good, for example a token, or a session that was never open (R-6.3-5);
 * - the peer does not speak the protocol;
 * - the socket was closed as refused, because another connection of the session replaced it (R-6.3-15), or because of a frame
 *   that is too large or not text, which would be sent again on the next connection.
 *
 * Heartbeat loss is never final, though some runtimes call it not retryable (R-6.4-5). Nor is the refusal of a token that was not
 * even checked, because others at the same address failed too often (R-6.1-6): the runtime calls that retryable.
 */
export function isFinal(error: LinkError): boolean {
  const { code, retryable } = error;
  if (code === "HEARTBEAT_LOST") return false;
  return !retryable || code === "RESUME_WINDOW_EXPIRED";
}

/** Whether the runtime no longer has the session, or not all that the client missed, so that only a new session helps. */
export function hasExpired({ code }: LinkError): boolean {
  return code === "RESUME_WINDOW_EXPIRED" || code === "SESSION_LOST";
}

/** The error of a link that was closed on purpose. */
export function closed(): LocalError {
  return new LocalError("CLOSED", "the client was closed");
}

/** The error that handles get if the link ended because its connection ended with `error`. */
export function explain(error: LinkError): LinkError {
  return error instanceof TransportClosedError && error.reason === "refused"
    ? new LocalError("TRANSPORT_CLOSED", "another connection took this session over", {
        cause: error,
        retryable: false,
      })
    : error;
}

/** Turns anything thrown into an ArcpError or a LocalError. */
export function asError(thrown: unknown): LinkError {
  if (thrown instanceof ArcpError || thrown instanceof LocalError) return thrown;
  const message = `the connection failed: ${reasonOf(thrown)}`;
  return new LocalError("TRANSPORT_CLOSED", message, { cause: thrown });
}
