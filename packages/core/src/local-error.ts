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

/** What may go better later, unless an error says otherwise of itself. */
const RETRYABLE: ReadonlySet<string> = new Set<LocalErrorCode>([
  "TRANSPORT_CLOSED",
  "REQUEST_TIMEOUT",
  "BACKPRESSURE",
]);

/** The code of an error of this side. */
export type LocalErrorCode = (typeof localErrorCodes)[number];

/** What a local error says besides its code and its message. */
export interface LocalErrorOptions {
  readonly cause?: unknown;
  /** Overrides the code's default: true for `TRANSPORT_CLOSED`, `REQUEST_TIMEOUT` and `BACKPRESSURE`. */
  readonly retryable?: boolean | undefined;
}

/** An error of this side, which no peer has said: see {@link localErrorCodes}. */
export class LocalError extends Error {
  override readonly name: string = "LocalError";
  readonly code: LocalErrorCode;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;

  constructor(code: LocalErrorCode, message: string, options: LocalErrorOptions = {}) {
    const { cause, retryable = RETRYABLE.has(code) } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}
