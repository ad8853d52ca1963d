import { LocalError } from "@arcp/core";
import { reasonOf } from "./reason-of.ts";

/** What the caller asks for cannot be. The message says what would be right. */
export function misuse(message: string, cause?: unknown): LocalError {
  return new LocalError("MISUSE", message, { cause });
}

/** What cannot be sent since it is not JSON. @param cause what `JSON.stringify` threw */
export function notJson(what: string, cause: unknown): LocalError {
  return misuse(`${what} is not JSON: ${reasonOf(cause)}`, cause);
}
