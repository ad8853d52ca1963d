import { beginning } from "./beginning.ts";
import {
  defaultRetryable,
  type ErrorCode,
  errorCodes,
  isErrorCode,
  meaningOf,
} from "./error-code.ts";

/** The error payload on the wire (section 12), carried by `session.error`, `job.error` and a `tool_result`. */
export interface ErrorPayload {
  /** One of the fifteen codes; a received message may carry an unknown one (R-12-3). */
  code: ErrorCode | (string & {});
  /** For humans, 1 to 2,048 characters, without stack traces, paths or secrets (R-5.3-6). */
  message: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** Machine-readable details. */
  details?: Record<string, unknown> | undefined;
}

/** The optional parts of an error. */
export interface ArcpErrorOptions {
  /** Overrides the code's default, unless that is fixed (R-12-2). */
  retryable?: boolean | undefined;
  details?: Record<string, unknown> | undefined;
  /** The local cause. Never sent to the peer. */
  cause?: unknown;
}

const MAX_MESSAGE = 2048;

/** A protocol error: one that a runtime sent, or one that an agent or the runtime is about to send. */
export class ArcpError extends Error {
  override readonly name = "ArcpError";
  readonly code: ErrorPayload["code"];
  readonly retryable: boolean;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorPayload["code"], message: string, options: ArcpErrorOptions = {}) {
    const text = beginning(message, MAX_MESSAGE) || meaningOf(code);
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    const fixed = isErrorCode(code) && errorCodes[code].fixed;
    this.retryable = fixed
      ? errorCodes[code].retryable
      : (options.retryable ?? defaultRetryable(code));
    this.details = options.details;
  }

  /**
   * Turns anything thrown into a protocol error; nothing else does. What is not an `ArcpError` becomes a local `cause`, hidden
   * from the peer (R-7.3-8).
   */
  static from(thrown: unknown): ArcpError {
    try {
      if (thrown instanceof ArcpError) return thrown;
    } catch {
      // A value that throws on inspection, such as a revoked proxy, is not an ArcpError.
    }
    return new ArcpError("INTERNAL_ERROR", "an unexpected error occurred: see the runtime's log", {
      cause: thrown,
    });
  }

  /** Recreates the error that a peer sent. */
  static fromPayload(payload: ErrorPayload): ArcpError {
    return new ArcpError(payload.code, payload.message, {
      retryable: payload.retryable,
      details: payload.details,
    });
  }

  /**
   * The payload to send: never the cause or the stack. Its fields are coerced and cut, since user code may have set them to values
   * of any type and length.
   */
  toPayload(): ErrorPayload {
    return {
      code: this.code,
      message: beginning(String(this.message), MAX_MESSAGE) || meaningOf(this.code),
      retryable: Boolean(this.retryable),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}
