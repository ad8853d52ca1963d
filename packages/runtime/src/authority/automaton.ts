import { ANY_SEGMENTS, END, type Segment } from "./segment.ts";

type Token =
  | { readonly kind: "literal"; readonly character: string }
  /** One character within a segment. */
  | { readonly kind: "any" }
  /** Any number of characters within a segment. */
  | { readonly kind: "star" }
  | { readonly kind: "end" }
  /** Any number of whole segments. */
  | { readonly kind: "segments" };

/**
 * A pattern as a nondeterministic automaton over characters. State `n` is before token `n`; the state after the last token accepts.
 * Within the segments matched by a `**` at token `n`, the state is `-1 - n`.
 */
export class Automaton {
  readonly #tokens: readonly Token[];

  constructor(segments: readonly Segment[]) {
    this.#tokens = segments.flatMap(tokensOf);
  }

  get start(): number[] {
    return this.#closure([0]);
  }

  accepts(state: number): boolean {
    return state === this.#tokens.length;
  }

  step(states: readonly number[], character: string): number[] {
    return this.#closure(states.flatMap((state) => this.#next(state, character)));
  }

  /** The character that a state waits for; undefined if it is a wildcard or the end. */
  awaits(state: number): string | undefined {
    const token = this.#tokens[state];
    return token?.kind === "literal" ? token.character : undefined;
  }

  /**
   * Reduces a set of states to those that matter: a wildcard can match whatever an earlier state could still match, within its
   * segment or, for `**`, anywhere. Without this reduction the number of state sets explodes.
   */
  deciding(states: readonly number[]): number[] {
    let from = 0;
    let inner = 0;
    for (const state of states) {
      const at = state < 0 ? -1 - state : state;
      const kind = this.#tokens[at]?.kind;
      if (kind === "segments") from = Math.max(from, at);
      else if (kind === "star") inner = Math.max(inner, at);
    }
    return states.filter((state) => {
      const at = state < 0 ? -1 - state : state;
      return at >= from && (at >= inner || !this.#sameSegment(at, inner));
    });
  }

  #sameSegment(from: number, to: number): boolean {
    return !this.#tokens.slice(from, to).some(({ kind }) => kind === "end" || kind === "segments");
  }

  #next(state: number, character: string): number[] {
    const ends = character === END;
    if (state < 0) return ends ? [-1 - state] : [state];
    const token = this.#tokens[state];
    switch (token?.kind) {
      case "literal":
        return token.character === character ? [state + 1] : [];
      case "any":
        return ends ? [] : [state + 1];
      case "star":
        return ends ? [] : [state];
      case "end":
        return ends ? [state + 1] : [];
      case "segments":
        return ends ? [state] : [-1 - state];
      default:
        return [];
    }
  }

  /** Adds the states that are reached without a character. */
  #closure(states: readonly number[]): number[] {
    const reached = new Set(states);
    for (const state of reached) {
      const kind = state < 0 ? undefined : this.#tokens[state]?.kind;
      if (kind === "star" || kind === "segments") reached.add(state + 1);
    }
    return [...reached].sort((a, b) => a - b);
  }
}

function tokensOf(segment: Segment): Token[] {
  if (segment === ANY_SEGMENTS) return [{ kind: "segments" }];
  const tokens: Token[] = [];
  // `*` alone requires a non-empty segment.
  if (segment.length === 2 && segment.every((text) => text === "")) tokens.push({ kind: "any" });
  for (const [index, text] of segment.entries()) {
    if (index > 0) tokens.push({ kind: "star" });
    for (const character of text.split("")) tokens.push({ kind: "literal", character });
  }
  tokens.push({ kind: "end" });
  return tokens;
}
