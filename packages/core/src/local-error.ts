/**
 * What can go wrong without a peer having said so. Never sent over the wire, and never confused with an
 * {@link ArcpError}, which is always the wire's word.
 */
export const localErrorCodes = [
  /** The transport is closed or broke. */
  "TRANSPORT_CLOSED",
  /** A request got no answer in time. */
  "REQUEST_TIMEOUT",
  /** This side closed before the answer came. */
  "CLOSED",
  /** The session was lost, and with it the answer to a request that must not be made twice unasked. */
  "SESSION_LOST",
  /** What was asked for is older than what the runtime keeps. */
  "HISTORY_LOST",
  /** The peer does not speak ARCP, or not as the protocol demands. */
  "PROTOCOL_VIOLATION",
  /** An interface was used in a way that cannot work. */
  "MISUSE",
  /** An agent emits faster than the log can take, without waiting. */
  "BACKPRESSURE",
] as const;

export type LocalErrorCode = (typeof localErrorCodes)[number];

export class LocalError extends Error {
  override readonly name: string = "LocalError";
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
