import pc from "picocolors";
import type { Sink, Surroundings } from "./surroundings.ts";

/** Painters of `picocolors`, which leave a text as it is where no colour is wanted. */
export type Paint = ReturnType<typeof pc.createColors>;

/** Colours are for terminals, and for whoever did not say `NO_COLOR` (https://no-color.org). */
export function paintFor(sink: Sink, env: Surroundings["env"]): Paint {
  const wanted = sink.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return pc.createColors(wanted);
}

/** Whether lines can be drawn over again; a terminal that does not know its size has no foot. */
export function canDraw(sink: Sink, env: Surroundings["env"]): boolean {
  return sink.isTTY === true && sink.rows !== 0 && env["TERM"] !== "dumb";
}

/** Characters in a line of a terminal; without one no line is ever cut. */
export function widthOf(sink: Sink): number {
  return sink.isTTY === true ? sink.columns || 80 : Number.POSITIVE_INFINITY;
}
