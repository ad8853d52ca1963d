import type { Effort } from "./effort.ts";
import { Literal } from "./literal.ts";
import { ANY_SEGMENTS, END, type Segment } from "./segment.ts";

/** What a pattern takes next: any number of segments, some that it names, or one with wildcards. */
type Step = typeof ANY_SEGMENTS | Literal | WildSegment;

/**
 * A pattern as steps, each of which goes once over a text, from all places at a time that the ones before it have reached. So
 * a match takes time in proportion to the text and to the number of steps, of which there are no more than two for each
 * wildcard: how long the pattern is does not matter (R-9.2-4).
 */
export class Course {
  /** What stands in front of the first step. */
  readonly #head: Literal;
  readonly #steps: readonly Step[];

  constructor(segments: readonly Segment[]) {
    const steps: Step[] = [];
    let named = "";
    let head: Literal | undefined;
    const closeNamed = (): void => {
      if (head === undefined) head = new Literal(named);
      else if (named !== "") steps.push(new Literal(named));
      named = "";
    };
    for (const segment of segments) {
      if (segment !== ANY_SEGMENTS && segment.length === 1) {
        named += `${segment[0]}${END}`;
        continue;
      }
      closeNamed();
      steps.push(segment === ANY_SEGMENTS ? segment : new WildSegment(segment));
    }
    closeNamed();
    this.#head = head ?? new Literal("");
    this.#steps = steps;
  }

  /**
   * Whether it takes all of a text, as far as the effort allows to say so.
   * @param text in which each segment ends with `END`
   * @param effort in characters that a step goes over
   * @param unknown a segment that stands for segments which nobody knows: only `**` takes it
   */
  takes(text: string, effort: Effort, unknown?: string): boolean {
    const { length } = this.#head.text;
    if (!this.#head.standsAt(text, 0)) return false;
    if (this.#steps.length === 0) return text.length === length;
    // By place, of which each is the beginning of a segment, or the end.
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

/** Marks the end of every segment from a place on. */
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

  /** @param literals what stands between its wildcards */
  constructor(literals: readonly string[]) {
    this.#first = new Literal(literals[0] ?? "");
    this.#inner = literals.slice(1, -1).map((text) => new Literal(text));
    this.#last = new Literal(literals.at(-1) ?? "");
    this.#isAny = literals.length === 2 && literals.every((text) => text === "");
  }

  /** @returns the places behind the segments that it takes, of all those that begin where it is marked */
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
    // `*` alone takes a segment that is there (section 9.2, second table).
    if (this.#isAny) return to > from;
    let at = from + this.#first.text.length;
    const end = to - this.#last.text.length;
    if (at > end || !this.#first.standsAt(text, from) || !this.#last.standsAt(text, end)) {
      return false;
    }
    // The leftmost place of each leaves most to the next.
    for (const literal of this.#inner) {
      at = literal.firstEnd(text, at, end);
      if (at < 0) return false;
    }
    return true;
  }
}
