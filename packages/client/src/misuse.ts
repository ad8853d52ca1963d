import { LocalError } from "@arcp/core";
import { reasonOf } from "./reason-of.ts";

/** The error for a call that cannot work. @param message says what would be right */
export function misuse(message: string, cause?: unknown): LocalError {
  return new LocalError("MISUSE", message, { cause });
}

/**
 * Refuses a misspelt option, which would silently leave the default in place.
 *
 * @param foreign the options that remain once the known ones are taken out
 */
export function checkNames(what: string, foreign: object): void {
  for (const name of Object.keys(foreign)) throw misuse(`${what} has no option ${name}`);
}

/** The error for a value that cannot be sent because it is not JSON. @param cause what `JSON.stringify` threw */
export function notJson(what: string, cause: unknown): LocalError {
  return misuse(`${what} is not JSON: ${reasonOf(cause)}`, cause);
}
