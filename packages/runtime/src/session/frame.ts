import type { Frame } from "@arcp/core";

/** In characters. */
export function lengthOf(frame: Frame): number {
  return typeof frame === "string" ? frame.length : frame[0].length + frame[1].length;
}

export function wholeOf(frame: Frame): string {
  return typeof frame === "string" ? frame : frame.join("");
}
