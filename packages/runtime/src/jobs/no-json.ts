import { ArcpError, LocalError } from "@arcp/core";

/**
 * The error for a value that cannot be written as JSON. What was thrown becomes the cause and is not shown, as it may be anything.
 * @param what the name of the value, as text for people
 * @param thrown the error of reading or writing it; one of our own is returned unchanged, because it explains itself
 */
export function noJson(what: string, thrown: unknown): Error {
  if (thrown instanceof ArcpError || thrown instanceof LocalError) return thrown;
  return new ArcpError(
    "INVALID_REQUEST",
    `${what} must be JSON: no BigInt, no circular reference, and nothing that throws when it is read`,
    { cause: thrown },
  );
}
