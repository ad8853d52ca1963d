/**
 * The fifteen error codes on the wire; there are no others (R-12-1).
 *
 * `retryable` is the default of each code; `fixed` marks the codes whose default a message may never override (R-12-2).
 */
export const errorCodes = {
  PERMISSION_DENIED: { retryable: false, fixed: false, meaning: "not allowed" },
  LEASE_SUBSET_VIOLATION: {
    retryable: false,
    fixed: false,
    meaning: "delegated authority exceeds the parent's",
  },
  JOB_NOT_FOUND: { retryable: false, fixed: false, meaning: "no such job" },
  DUPLICATE_KEY: {
    retryable: false,
    fixed: false,
    meaning: "idempotency key reused with other parameters",
  },
  AGENT_NOT_AVAILABLE: { retryable: false, fixed: false, meaning: "no such agent" },
  AGENT_VERSION_NOT_AVAILABLE: {
    retryable: false,
    fixed: false,
    meaning: "the agent has no such version",
  },
  CANCELLED: { retryable: false, fixed: false, meaning: "ended on request" },
  TIMEOUT: { retryable: true, fixed: false, meaning: "ran longer than allowed" },
  RESUME_WINDOW_EXPIRED: {
    retryable: false,
    fixed: false,
    meaning: "the session can no longer be resumed",
  },
  HEARTBEAT_LOST: { retryable: true, fixed: false, meaning: "the peer fell silent" },
  LEASE_EXPIRED: { retryable: false, fixed: true, meaning: "the lease has expired" },
  BUDGET_EXHAUSTED: { retryable: false, fixed: true, meaning: "the budget is exhausted" },
  INVALID_REQUEST: { retryable: false, fixed: false, meaning: "malformed or forbidden request" },
  UNAUTHENTICATED: { retryable: false, fixed: false, meaning: "no valid authentication" },
  INTERNAL_ERROR: { retryable: true, fixed: true, meaning: "fault or limit of the runtime" },
} as const satisfies Record<string, { retryable: boolean; fixed: boolean; meaning: string }>;

/** An error code on the wire. */
export type ErrorCode = keyof typeof errorCodes;

/** Whether the protocol defines this code. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** Whether an error with this code is retryable if its message does not say (R-12-3). */
export function defaultRetryable(code: string): boolean {
  return isErrorCode(code) && errorCodes[code].retryable;
}

/** What a code means, in words; an unknown code is returned as it is. */
export function meaningOf(code: string): string {
  return isErrorCode(code) ? errorCodes[code].meaning : code;
}
