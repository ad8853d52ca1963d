import { ArcpError, LocalError } from "@arcp/core";

/**
 * The error for what cannot be written as JSON. Nothing of what was thrown is told, for it may be anything: it is the cause.
 * @param what it is, for humans
 * @param thrown when it was read or written; an error of ours says itself what is wrong, and comes back
 */
export function noJson(what: string, thrown: unknown): Error {
  if (thrown instanceof ArcpError || thrown instanceof LocalError) return thrown;
  return new ArcpError(
    "INVALID_REQUEST",
    `${what} must be JSON: no BigInt, no circular reference, and nothing that throws when it is read`,
    { cause: thrown },
  );
}
