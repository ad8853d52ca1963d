import { beginning } from "./beginning.ts";
import {
  defaultRetryable,
  type ErrorCode,
  errorCodes,
  isErrorCode,
  meaningOf,
} from "./error-code.ts";

/** The error payload of the wire (section 12): carried by `session.error`, `job.error` and a `tool_result`. */
export interface ErrorPayload {
  /** One of the fifteen codes; a received message may carry one that we do not know (R-12-3). */
  code: ErrorCode | (string & {});
  /** For humans, 1 to 2,048 characters, without stack traces, paths or secrets (R-5.3-6). */
  message: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** Machine-readable extras. */
  details?: Record<string, unknown> | undefined;
}

/** What an error says besides its code and its message. */
export interface ArcpErrorOptions {
  /** Overrides the code's default, except where that is fixed (R-12-2). */
  retryable?: boolean | undefined;
  details?: Record<string, unknown> | undefined;
  /** The local cause. It never leaves the process. */
  cause?: unknown;
}

const MAX_MESSAGE = 2048;

/** An error of the wire: what a runtime said, or what an agent or the runtime is about to say. */
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

  /** The only funnel from anything thrown to an error of the wire; what is not ours stays behind as `cause` (R-7.3-8). */
  static from(thrown: unknown): ArcpError {
    try {
      if (thrown instanceof ArcpError) return thrown;
    } catch {
      // What fails when it is looked at, as a revoked proxy does, is not ours.
    }
    return new ArcpError("INTERNAL_ERROR", "an unexpected error occurred: see the runtime's log", {
      cause: thrown,
    });
  }

  /** The error that a peer sent. */
  static fromPayload(payload: ErrorPayload): ArcpError {
    return new ArcpError(payload.code, payload.message, {
      retryable: payload.retryable,
      details: payload.details,
    });
  }

  /**
   * What travels of the error: never its cause or its stack. Whoever made it, or handed it on, may have set anything of any kind
   * and length.
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
