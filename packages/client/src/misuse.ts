import { LocalError } from "@arcp/core";

/** What the caller asks for cannot be. The message says what would be right. */
export function misuse(message: string): LocalError {
  return new LocalError("MISUSE", message);
}

/** What cannot be sent since it is not JSON. @param cause what `JSON.stringify` threw */
export function notJson(what: string, cause: unknown): LocalError {
  const [why] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  return new LocalError("MISUSE", `${what} is not JSON: ${why}`, { cause });
}
