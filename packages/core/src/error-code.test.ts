import { expect, test } from "vitest";
import { defaultRetryable, errorCodes, isErrorCode } from "./error-code.ts";

/** Section 12, written out by hand. */
const table = {
  PERMISSION_DENIED: [false, false],
  LEASE_SUBSET_VIOLATION: [false, false],
  JOB_NOT_FOUND: [false, false],
  DUPLICATE_KEY: [false, false],
  AGENT_NOT_AVAILABLE: [false, false],
  AGENT_VERSION_NOT_AVAILABLE: [false, false],
  CANCELLED: [false, false],
  TIMEOUT: [true, false],
  RESUME_WINDOW_EXPIRED: [false, false],
  HEARTBEAT_LOST: [true, false],
  LEASE_EXPIRED: [false, true],
  BUDGET_EXHAUSTED: [false, true],
  INVALID_REQUEST: [false, false],
  UNAUTHENTICATED: [false, false],
  INTERNAL_ERROR: [true, true],
};

test("R-12-1: there are exactly the fifteen codes", () => {
  expect(Object.keys(errorCodes).sort()).toEqual(Object.keys(table).sort());
});

test("R-12-2: each code has the table's default, and exactly three are fixed", () => {
  const actual = Object.fromEntries(
    Object.entries(errorCodes).map(([code, { retryable, fixed }]) => [code, [retryable, fixed]]),
  );
  expect(actual).toEqual(table);
});

test("R-12-3: every code has a meaning that can replace an empty message", () => {
  for (const { meaning } of Object.values(errorCodes)) expect(meaning).not.toBe("");
});

test("R-12-3: an unknown code is not retryable by default, even one named like an inherited property", () => {
  for (const code of ["QUOTA", "", "constructor", "__proto__", "toString"]) {
    expect(isErrorCode(code), code).toBe(false);
    expect(defaultRetryable(code), code).toBe(false);
  }
  expect(defaultRetryable("TIMEOUT")).toBe(true);
});
