import { parseAgentReference } from "@arcp/core";

/** The segment `**`: zero or more whole segments. */
export const ANY_SEGMENTS = "**";

/**
 * One segment of a pattern: `**`, or the literal texts between its `*`. So `a.txt` is `["a.txt"]`, `*.txt` is
 * `["", ".txt"]`, and `*` is `["", ""]`.
 */
export type Segment = typeof ANY_SEGMENTS | readonly string[];

/** Stands in a target for any number of segments that nobody knows: only `**` takes it. */
export const UNKNOWN = Symbol("segments that are not known");

export type TargetSegment = string | typeof UNKNOWN;

/** Longest pattern, in characters, and most wildcards in one (R-9.2-3). */
const MAX_LENGTH = 1024;
const MAX_WILDCARDS = 16;

/** A compiled pattern. What is not a wildcard stands for itself; there is no escape (section 9.2). */
export class Glob {
  /** The pattern as it was written. */
  readonly text: string;
  readonly segments: readonly Segment[];

  constructor(text: string, segments: readonly Segment[]) {
    this.text = text;
    this.segments = segments;
  }

  /**
   * Whether the pattern covers all of `target`, from its first to its last character (R-9.2-2). Each character of the
   * target is compared at most once with each of the pattern's (R-9.2-4).
   */
  matches(target: string): boolean {
    return this.matchesSegments(target.split("/"));
  }

  /** The same for a target that is split already, in which whole segments may be unknown. */
  matchesSegments(targets: readonly TargetSegment[]): boolean {
    const { segments } = this;
    // Where to go on when a comparison fails: behind the last `**`, which then takes one segment more. Going back to an
    // earlier `**` could not help, since the leftmost match of what stands between two leaves most to the second.
    let retry = -1;
    let retryAt = 0;
    let s = 0;
    let t = 0;
    for (;;) {
      const segment = segments[s];
      const candidate = targets[t];
      if (segment === ANY_SEGMENTS) {
        s += 1;
        retry = s;
        retryAt = t;
      } else if (candidate === undefined) {
        return segment === undefined;
      } else if (
        segment !== undefined &&
        candidate !== UNKNOWN &&
        matchesSegment(segment, candidate)
      ) {
        s += 1;
        t += 1;
      } else if (retry >= 0) {
        s = retry;
        retryAt += 1;
        t = retryAt;
      } else {
        return false;
      }
    }
  }
}

/** A compiled pattern, or what is wrong with it. */
export type GlobOutcome =
  | { readonly ok: true; readonly glob: Glob }
  | { readonly ok: false; readonly problem: string };

/** Compiles a pattern over literal text (R-9.2-3). */
export function compileGlob(pattern: string): GlobOutcome {
  // No character takes more than two code units, so this bounds the work of counting them.
  if (pattern.length > 2 * MAX_LENGTH || [...pattern].length > MAX_LENGTH) {
    return { ok: false, problem: `is longer than ${MAX_LENGTH} characters` };
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

function matchesSegment(literals: readonly string[], target: string): boolean {
  const first = literals[0] ?? "";
  const last = literals.length - 1;
  if (last <= 0) return target.length === first.length && standsAt(first, target, 0);
  const suffix = literals[last] ?? "";
  const end = target.length - suffix.length;
  if (first.length > end || !standsAt(first, target, 0) || !standsAt(suffix, target, end)) {
    return false;
  }
  // `*` alone takes a segment that is there (section 9.2, second table).
  if (last === 1 && first === "" && suffix === "") return target !== "";
  let at = first.length;
  for (let i = 1; i < last; i += 1) {
    const literal = literals[i] ?? "";
    while (at + literal.length <= end && !standsAt(literal, target, at)) at += 1;
    at += literal.length;
    if (at > end) return false;
  }
  return true;
}

/** The caller has made sure that `literal` fits into `target` at `at`. */
function standsAt(literal: string, target: string, at: number): boolean {
  for (let i = 0; i < literal.length; i += 1) {
    if (target.charCodeAt(at + i) !== literal.charCodeAt(i)) return false;
  }
  return true;
}
