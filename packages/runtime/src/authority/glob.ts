import { parseAgentReference } from "@arcp/core";
import { Course } from "./course.ts";
import type { Effort } from "./effort.ts";
import { ANY_SEGMENTS, END, isLiteral, type Segment } from "./segment.ts";

/** The most characters, and the most wildcards, of a pattern (R-9.2-3). */
const MAX_LENGTH = 1024;
const MAX_WILDCARDS = 16;

/** The most characters of a target: clients choose targets as well as leases. */
export const MAX_TARGET = 8192;

/**
 * The work budget for comparing a target with all patterns of a lease, which blocks the event loop: some hundredths of a second. A
 * thousand patterns made for the purpose could otherwise take seconds. Those that people write take far less.
 */
const MAX_EFFORT = 2_000_000;

/** A compiled pattern. Anything but a wildcard matches itself; there is no escape (section 9.2). */
export class Glob {
  /** The pattern as written. */
  readonly text: string;
  /** The segments, with consecutive literal ones joined into one text, because jobs keep leases with many of them for long. */
  readonly #runs: readonly Segment[];
  /** Created with the first match: many patterns are only compared with other patterns. */
  #course: Course | undefined;

  constructor(text: string, segments: readonly Segment[]) {
    this.text = text;
    this.#runs = joined(segments);
  }

  get segments(): readonly Segment[] {
    return this.#runs.flatMap((run): Segment[] =>
      isLiteral(run) ? run.flatMap((names) => names.split(END).map((name) => [name])) : [run],
    );
  }

  /**
   * Whether the pattern matches all of `target` (R-9.2-2). No pattern matches a target of more than 8,192 characters.
   * @param effort once it is used up, nothing matches any more
   * @param unknown a segment that stands for any unknown segments; only `**` matches it
   */
  matches(target: string, effort: Effort = { left: MAX_EFFORT }, unknown?: string): boolean {
    if (target.length > MAX_TARGET) return false;
    this.#course ??= new Course(this.#runs);
    return this.#course.takes(`${target}${END}`, effort, unknown);
  }
}

/** Joins consecutive literal segments, which is unambiguous because no name contains `END`. */
function joined(segments: readonly Segment[]): readonly Segment[] {
  const runs: Segment[] = [];
  let names: string[] = [];
  const close = (): void => {
    if (names.length > 0) runs.push([names.join(END)]);
    names = [];
  };
  for (const segment of segments) {
    if (isLiteral(segment)) {
      names.push(...segment);
      continue;
    }
    close();
    runs.push(segment);
  }
  close();
  return runs;
}

/** A pattern for any kind of target. */
interface Pattern<T> {
  matches(target: T, effort: Effort): boolean;
}

/** Whether one of the patterns covers a target. Once the work budget is used up, the remaining patterns do not. */
export function isCovered<T>(target: T, patterns: ReadonlyArray<Pattern<T>>): boolean {
  const effort = { left: MAX_EFFORT };
  return patterns.some((pattern) => pattern.matches(target, effort));
}

/** A compiled pattern, or what is wrong with it. */
export type GlobOutcome =
  | { readonly ok: true; readonly glob: Glob }
  | { readonly ok: false; readonly problem: string };

/**
 * Compiles a pattern over literal text (R-9.2-3).
 * @param most the most characters that it may have. Default 1,024
 */
export function compileGlob(pattern: string, most = MAX_LENGTH): GlobOutcome {
  // A character has at most two code units, so this check bounds the work of counting characters.
  if (pattern.length > 2 * most || [...pattern].length > most) {
    return { ok: false, problem: `is longer than ${most} characters` };
  }
  if (pattern === "") return { ok: false, problem: "is empty" };
  const segments: Segment[] = [];
  let wildcards = 0;
  for (const text of pattern.split("/")) {
    if (text === ANY_SEGMENTS) {
      segments.push(ANY_SEGMENTS);
      wildcards += 1;
      continue;
    }
    if (text.includes("**")) {
      return { ok: false, problem: "may have ** only as a whole segment, as in /**/" };
    }
    const literals = text.split("*");
    segments.push(literals);
    wildcards += literals.length - 1;
  }
  if (wildcards > MAX_WILDCARDS) {
    return { ok: false, problem: `has more than ${MAX_WILDCARDS} wildcards` };
  }
  return { ok: true, glob: new Glob(pattern, segments) };
}

/**
 * Whether a pattern of `agent.delegate` covers a resolved agent. A pattern without `@` is matched against the name, one with `@`
 * against `name@version`, which an unversioned agent does not have.
 */
export function matchesAgent(glob: Glob, agent: string): boolean {
  const reference = parseAgentReference(agent);
  if (reference === undefined) return false;
  return glob.matches(glob.text.includes("@") ? agent : reference.name);
}
