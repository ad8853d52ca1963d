import { LocalError } from "@arcp/core";

/** The most characters a client accepts: it drops a message with a longer reason. */
const MAX_REASON = 1024;

/**
 * Checks the reason that an operator gives, and that clients are shown.
 * @param what the name of the operation
 * @throws LocalError `MISUSE` if it is not a string, or too long
 */
export function checkReason(what: string, reason: unknown): void {
  if (reason === undefined) return;
  if (typeof reason === "string" && reason.length <= MAX_REASON) return;
  throw new LocalError(
    "MISUSE",
    `${what}: a reason is a string of at most ${MAX_REASON} characters`,
  );
}
