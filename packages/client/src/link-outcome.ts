import { ArcpError, LocalError, TransportClosedError } from "@arcp/core";
import { reasonOf } from "./reason-of.ts";

/** How a connection ended, or an attempt failed. */
export type LinkError = ArcpError | LocalError;

/**
 * Whether a connection that ended, or an attempt that failed, this way must not be followed by another one:
 * - what the runtime refused for good, such as a token, or a session that was never open (R-6.3-5);
 * - a peer that does not speak the protocol;
 * - a socket closed as refused, which another connection of the session replaced (R-6.3-15), or over a frame that is too
 *   large or no text, which comes again with the next one.
 *
 * Heartbeat loss never is, though some runtimes call it not retryable (R-6.4-5). Nor is a token that was not looked at, since others at
 * the same address guess too much (R-6.1-6): the runtime calls that retryable.
 */
export function isFinal(error: LinkError): boolean {
  const { code, retryable } = error;
  if (code === "HEARTBEAT_LOST") return false;
  return !retryable || code === "RESUME_WINDOW_EXPIRED";
}

/** Whether the runtime no longer holds the session, or not enough of what it missed, so that only a fresh one helps. */
export function hasExpired({ code }: LinkError): boolean {
  return code === "RESUME_WINDOW_EXPIRED" || code === "SESSION_LOST";
}

/** How a link ends that was closed on purpose. */
export function closed(): LocalError {
  return new LocalError("CLOSED", "the client was closed");
}

/** What handles are told when a link ended with a connection that ended with this error. */
export function explain(error: LinkError): LinkError {
  return error instanceof TransportClosedError && error.reason === "refused"
    ? new LocalError("TRANSPORT_CLOSED", "another connection took this session over", {
        cause: error,
        retryable: false,
      })
    : error;
}

/** Whatever was thrown, as an error of ours. */
export function asError(thrown: unknown): LinkError {
  if (thrown instanceof ArcpError || thrown instanceof LocalError) return thrown;
  const message = `the connection failed: ${reasonOf(thrown)}`;
  return new LocalError("TRANSPORT_CLOSED", message, { cause: thrown });
}
