import { LocalError } from "@arcp/core";

/** What the caller asks for cannot be. The message says what would be right. */
export function misuse(message: string): LocalError {
  return new LocalError("MISUSE", message);
}
