import type { Frame } from "@arcp/core";

/** In characters, or in bytes where it is encoded. */
export function lengthOf(frame: Frame): number {
  return typeof frame === "string" ? frame.length : frame[0].length + frame[1].size;
}
