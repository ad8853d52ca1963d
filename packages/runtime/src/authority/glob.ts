import { parseAgentReference } from "@arcp/core";
import { Course } from "./course.ts";
import type { Effort } from "./effort.ts";
import { ANY_SEGMENTS, END, type Segment } from "./segment.ts";

/** Longest pattern, in characters, and most wildcards in one (R-9.2-3). */
const MAX_LENGTH = 1024;
const MAX_WILDCARDS = 16;

/** Characters of what a pattern may cover: clients choose targets as well as leases. */
export const MAX_TARGET = 8192;

/**
 * What it may take to compare a target with all patterns of a lease, while everybody waits: some hundredths of a second, where a
 * thousand patterns that were made for it would take seconds. Those that people write take far less.
 */
const MAX_EFFORT = 2_000_000;

/** A compiled pattern. What is not a wildcard stands for itself; there is no escape (section 9.2). */
export class Glob {
  /** The pattern as it was written. */
  readonly text: string;
  /** The segments, of which those without wildcards that follow one another are one text: a job keeps a lease of many for long. */
  readonly #runs: readonly Segment[];
  /** Made with the first match: many patterns are only compared with others. */
  #course: Course | undefined;

  constructor(text: string, segments: readonly Segment[]) {
    this.text = text;
    this.#runs = joined(segments);
  }

  get segments(): readonly Segment[] {
    return this.#runs.flatMap((run): Segment[] =>
      isNamed(run) ? run.flatMap((names) => names.split(END).map((name) => [name])) : [run],
    );
  }

  /**
   * Whether the pattern covers all of `target`, from its first to its last character (R-9.2-2). None covers one of more than
   * 8,192 characters.
   * @param effort when it is used up, nothing is covered any more
   * @param unknown a segment that stands for segments which nobody knows: only `**` takes it
   */
  matches(target: string, effort: Effort = { left: MAX_EFFORT }, unknown?: string): boolean {
    if (target.length > MAX_TARGET) return false;
    this.#course ??= new Course(this.#runs);
    return this.#course.takes(`${target}${END}`, effort, unknown);
  }
}

function isNamed(segment: Segment): segment is readonly string[] {
  return segment !== ANY_SEGMENTS && segment.length === 1;
}

/** No name has an `END` in it. */
function joined(segments: readonly Segment[]): readonly Segment[] {
  const runs: Segment[] = [];
  let names: string[] = [];
  const close = (): void => {
    if (names.length > 0) runs.push([names.join(END)]);
    names = [];
  };
  for (const segment of segments) {
    if (isNamed(segment)) {
      names.push(...segment);
      continue;
    }
    close();
    runs.push(segment);
  }
  close();
  return runs;
}

/** A pattern of any kind of target. */
interface Pattern<T> {
  matches(target: T, effort: Effort): boolean;
}

/** Whether one of the patterns covers a target; those that are left when that has taken too much do not. */
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
 * @param most characters that it may have. Default 1,024
 */
export function compileGlob(pattern: string, most = MAX_LENGTH): GlobOutcome {
  // No character takes more than two code units, so this bounds the work of counting them.
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
 * Whether a pattern of `agent.delegate` covers a resolved agent: without `@` it is compared with the name, with `@` with
 * `name@version`, which an agent without a version does not have.
 */
export function matchesAgent(glob: Glob, agent: string): boolean {
  const reference = parseAgentReference(agent);
  if (reference === undefined) return false;
  return glob.matches(glob.text.includes("@") ? agent : reference.name);
}
