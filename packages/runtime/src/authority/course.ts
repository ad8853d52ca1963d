import type { Effort } from "./effort.ts";
import { Literal } from "./literal.ts";
import { ANY_SEGMENTS, END, isLiteral, type Segment } from "./segment.ts";

/** What a pattern matches next: any number of segments, some literal ones, or one with wildcards. */
type Step = typeof ANY_SEGMENTS | Literal | WildSegment;

/**
 * A pattern as a sequence of steps. Each step scans the text once, from all positions that the previous steps have reached at the
 * same time. A match therefore takes time proportional to the text and to the number of steps, at most two per wildcard, regardless
 * of the length of the pattern (R-9.2-4).
 */
export class Course {
  /** The literal text before the first step. */
  readonly #head: Literal;
  readonly #steps: readonly Step[];

  /** @param runs its segments, of which adjacent literal ones are joined by `END` */
  constructor(runs: readonly Segment[]) {
    const steps = runs.map(stepOf);
    const [first] = steps;
    this.#head = first instanceof Literal ? first : new Literal("");
    this.#steps = first instanceof Literal ? steps.slice(1) : steps;
  }

  /**
   * Whether the pattern matches all of a text, as far as the effort suffices to tell.
   * @param text every segment of which ends with `END`
   * @param effort in characters scanned by steps
   * @param unknown a segment that stands for any unknown segments; only `**` matches it
   */
  takes(text: string, effort: Effort, unknown?: string): boolean {
    const { length } = this.#head.text;
    if (!this.#head.standsAt(text, 0)) return false;
    if (this.#steps.length === 0) return text.length === length;
    // Indexed by position; each marked position begins a segment or is the end of the text.
    let reached = new Uint8Array(text.length + 1);
    reached[length] = 1;
    for (const step of this.#steps) {
      const first = reached.indexOf(1);
      if (first < 0) return false;
      effort.left -= text.length - first;
      if (effort.left < 0) return false;
      if (step === ANY_SEGMENTS) markSegments(reached, text, first);
      else reached = step.behind(reached, text, first, unknown);
    }
    return reached[text.length] === 1;
  }
}

function stepOf(run: Segment): Step {
  if (run === ANY_SEGMENTS) return run;
  return isLiteral(run) ? new Literal(`${run[0]}${END}`) : new WildSegment(run);
}

/** Marks the end of every segment from a position on. */
function markSegments(marked: Uint8Array, text: string, from: number): void {
  const end = END.charCodeAt(0);
  for (let at = from; at < text.length; at += 1) {
    if (text.charCodeAt(at) === end) marked[at + 1] = 1;
  }
}

/** A segment with wildcards. */
class WildSegment {
  readonly #first: Literal;
  readonly #inner: readonly Literal[];
  readonly #last: Literal;
  readonly #isAny: boolean;

  /** @param literals the texts between its wildcards */
  constructor(literals: readonly string[]) {
    this.#first = new Literal(literals[0] ?? "");
    this.#inner = literals.slice(1, -1).map((text) => new Literal(text));
    this.#last = new Literal(literals.at(-1) ?? "");
    this.#isAny = literals.length === 2 && literals.every((text) => text === "");
  }

  /** @returns the positions after the segments that it matches, of all segments that begin at a marked position */
  behind(
    marked: Uint8Array,
    text: string,
    first: number,
    unknown?: string,
  ): Uint8Array<ArrayBuffer> {
    const behind = new Uint8Array(marked.length);
    for (let at = first; at >= 0 && at < text.length; at = marked.indexOf(1, at + 1)) {
      const end = text.indexOf(END, at);
      const isKnown = unknown === undefined || !text.startsWith(unknown, at);
      if (isKnown && this.#takes(text, at, end)) behind[end + 1] = 1;
    }
    return behind;
  }

  #takes(text: string, from: number, to: number): boolean {
    // `*` alone requires a non-empty segment (section 9.2, second table).
    if (this.#isAny) return to > from;
    let at = from + this.#first.text.length;
    const end = to - this.#last.text.length;
    if (at > end || !this.#first.standsAt(text, from) || !this.#last.standsAt(text, end)) {
      return false;
    }
    // The leftmost match of each literal leaves the most text for the next.
    for (const literal of this.#inner) {
      at = literal.firstEnd(text, at, end);
      if (at < 0) return false;
    }
    return true;
  }
}
