import { LocalError } from "@arcp/core";
import { reasonOf } from "./reason-of.ts";

/** What the caller asks for cannot be. The message says what would be right. */
export function misuse(message: string, cause?: unknown): LocalError {
  return new LocalError("MISUSE", message, { cause });
}

/**
 * Refuses a misspelt option, which would be a default in silence.
 *
 * @param foreign what is left of the options without those that there are
 */
export function checkNames(what: string, foreign: object): void {
  for (const name of Object.keys(foreign)) throw misuse(`${what} has no option ${name}`);
}

/** What cannot be sent since it is not JSON. @param cause what `JSON.stringify` threw */
export function notJson(what: string, cause: unknown): LocalError {
  return misuse(`${what} is not JSON: ${reasonOf(cause)}`, cause);
}
