/**
 * The codes of errors that arise on this side. They are never sent to the peer, unlike those of an {@link ArcpError}, which
 * always belong to the protocol.
 */
export const localErrorCodes = [
  /** The transport was closed or broke. */
  "TRANSPORT_CLOSED",
  /** A request got no reply in time. */
  "REQUEST_TIMEOUT",
  /** This side closed before the reply came. */
  "CLOSED",
  /** The session was lost, and with it the reply to a request that must not be repeated unasked. */
  "SESSION_LOST",
  /** The requested history is older than what the runtime keeps. */
  "HISTORY_LOST",
  /** The peer does not speak ARCP, or violates the protocol. */
  "PROTOCOL_VIOLATION",
  /** The API was used in a way that cannot work. */
  "MISUSE",
  /** An agent emits faster than the log can store, without waiting. */
  "BACKPRESSURE",
] as const;

/** Codes that are retryable by default. */
const RETRYABLE: ReadonlySet<string> = new Set<LocalErrorCode>([
  "TRANSPORT_CLOSED",
  "REQUEST_TIMEOUT",
  "BACKPRESSURE",
]);

/** The code of a local error. */
export type LocalErrorCode = (typeof localErrorCodes)[number];

/** The optional parts of a local error. */
export interface LocalErrorOptions {
  readonly cause?: unknown;
  /** Overrides the code's default: true for `TRANSPORT_CLOSED`, `REQUEST_TIMEOUT` and `BACKPRESSURE`. */
  readonly retryable?: boolean | undefined;
}

/** An error that arose on this side and was not sent by a peer: see {@link localErrorCodes}. */
export class LocalError extends Error {
  override readonly name: string = "LocalError";
  readonly code: LocalErrorCode;
  /** Whether the same operation may succeed later. */
  readonly retryable: boolean;

  constructor(code: LocalErrorCode, message: string, options: LocalErrorOptions = {}) {
    const { cause, retryable = RETRYABLE.has(code) } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}
