import type { Effort } from "./effort.ts";
import { Glob } from "./glob.ts";
import { AGENT_NAME, AGENT_VERSION } from "./grammar.ts";
import { type Deciding, inclusion } from "./inclusion.ts";
import { ANY_SEGMENTS } from "./segment.ts";

/**
 * Decides inclusion for patterns of agents. A pattern without `@` covers every version of the names that it covers. A pattern with
 * `@` never covers one without, because names contain no `@`.
 */
export function agentInclusion(inner: Glob, outer: Glob, effort: Effort): Deciding {
  if (!inner.text.includes("@")) return inclusion(inner, outer, AGENT_NAME, effort);
  const bound = outer.text.includes("@") ? outer : inAnyVersion(outer);
  return inclusion(inner, bound, AGENT_VERSION, effort);
}

/** @returns undefined for a pattern that covers no name, since names contain no `/` */
function inAnyVersion(glob: Glob): Glob | undefined {
  const [segment = ["", ""], second] = glob.segments.filter((each) => each !== ANY_SEGMENTS);
  if (second !== undefined) return undefined;
  return new Glob(glob.text, [[...segment.slice(0, -1), `${segment.at(-1)}@`, ""]]);
}
