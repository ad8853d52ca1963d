import type { Frame } from "@arcp/core";

/** The length in characters, or in bytes where the frame is already encoded. */
export function lengthOf(frame: Frame): number {
  return typeof frame === "string" ? frame.length : frame[0].length + frame[1].size;
}
