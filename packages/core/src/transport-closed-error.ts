import { LocalError } from "./local-error.ts";
import type { CloseReason } from "./transport.ts";

/** Reasons for which the same connection, or the same frame, would fail again. */
const LASTING: readonly (CloseReason | undefined)[] = ["refused", "too-big", "not-text"];

/** The connection is gone. `reason` is the peer's hint; undefined if the connection broke without one. */
export class TransportClosedError extends LocalError {
  override readonly name = "TransportClosedError";
  readonly reason: CloseReason | undefined;

  constructor(reason?: CloseReason, options?: { cause?: unknown }) {
    const what =
      reason === undefined ? "the connection broke" : `the connection was closed (${reason})`;
    const { cause } = options ?? {};
    const message = cause instanceof Error ? `${what}: ${cause.message.trimEnd()}` : what;
    super("TRANSPORT_CLOSED", message, { ...options, retryable: !LASTING.includes(reason) });
    this.reason = reason;
  }
}
