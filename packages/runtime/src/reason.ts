import { LocalError } from "@arcp/core";

/** Characters that a client reads: a message with more is none to it. */
const MAX_REASON = 1024;

/**
 * Checks why an operator does something, as clients are told.
 * @param what the operator calls it
 * @throws LocalError `MISUSE` for what is no text, or a longer one
 */
export function checkReason(what: string, reason: unknown): void {
  if (reason === undefined) return;
  if (typeof reason === "string" && reason.length <= MAX_REASON) return;
  throw new LocalError(
    "MISUSE",
    `${what}: a reason is a string of at most ${MAX_REASON} characters`,
  );
}
