import { LocalError } from "@arcp/core";

/** Whether the error means that the store is closed. */
export function isClosed(error: unknown): boolean {
  return error instanceof LocalError && error.code === "CLOSED";
}
