import { LocalError } from "@arcp/core";

/** Whether a store said by this error that it takes and tells nothing any more. */
export function isClosed(error: unknown): boolean {
  return error instanceof LocalError && error.code === "CLOSED";
}
