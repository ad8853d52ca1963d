import pc from "picocolors";
import type { Sink, Surroundings } from "./surroundings.ts";

/** Functions of `picocolors`, which leave a text unchanged if no colour is wanted. */
export type Paint = ReturnType<typeof pc.createColors>;

/** Colours are for terminals, unless `NO_COLOR` is set (https://no-color.org). */
export function paintFor(sink: Sink, env: Surroundings["env"]): Paint {
  const wanted = sink.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return pc.createColors(wanted);
}

/** Whether lines can be redrawn; a terminal that does not know its size has no foot. */
export function canDraw(sink: Sink, env: Surroundings["env"]): boolean {
  return sink.isTTY === true && sink.rows !== 0 && env["TERM"] !== "dumb";
}

/** The characters in a line of the terminal; elsewhere no line is ever cut. */
export function widthOf(sink: Sink): number {
  return sink.isTTY === true ? sink.columns || 80 : Number.POSITIVE_INFINITY;
}
