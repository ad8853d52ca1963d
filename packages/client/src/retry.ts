import { ArcpError, type Clock, LocalError, sleep, systemClock } from "@arcp/core";
import { pauseBefore } from "./backoff.ts";
import { checkNames, misuse } from "./misuse.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How often, and for how long, to try again. */
export interface RetryOptions {
  /** The maximum number of calls, including the first. Default: 5. */
  readonly attempts?: number | undefined;
  /** Aborting it ends the retries immediately with the signal's reason, whatever happens to the call in flight. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

const ATTEMPTS = 5;

/**
 * Calls `call`, and again as long as it fails with a `retryable` ArcpError or LocalError; any other error is thrown at once. The
 * pauses are those of a reconnecting client, from 100 ms doubling up to 10 s, with jitter, in addition to the
 * `details.retry_after_sec` of the error.
 *
 * A repeated call may already have taken effect: give a submit an `idempotencyKey`.
 *
 * @param call gets the number of the attempt, from 1
 * @returns the result of the first call that succeeds
 * @throws the last error, once no attempts are left
 * @throws LocalError `MISUSE` if `attempts` is not a whole number from 1, and for an unknown option
 */
export async function retry<T>(
  call: (attempt: number) => T | Promise<T>,
  { attempts = ATTEMPTS, signal, clock = systemClock, ...foreign }: RetryOptions = {},
): Promise<T> {
  checkNames("retry", foreign);
  if (!(attempts >= 1 && Math.trunc(attempts) === attempts)) {
    throw misuse("attempts must be a whole number from 1, or Infinity");
  }
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await unlessAborted((async () => call(attempt))(), signal);
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error;
      await sleep(clock, wanted(error) + pauseBefore(attempt - 1), signal);
    }
  }
}

/** Whether the same operation may succeed later. */
export function isRetryable(error: unknown): error is ArcpError | LocalError {
  return (error instanceof ArcpError || error instanceof LocalError) && error.retryable;
}

/** The wait that the error asks for, in ms. */
function wanted(error: ArcpError | LocalError): number {
  const seconds = error instanceof ArcpError ? error.details?.["retry_after_sec"] : undefined;
  return Number.isFinite(seconds) ? Math.max(0, Number(seconds)) * 1000 : 0;
}
