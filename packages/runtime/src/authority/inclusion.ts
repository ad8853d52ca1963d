import { ANY_SEGMENTS, type Glob, type Segment, UNKNOWN } from "./glob.ts";

/** Which texts there are at all to be matched. */
export type Grammar = "text" | "path";

/** Whether every text of the grammar that one pattern matches is matched by another. */
export type Inclusion =
  | { readonly kind: "included" }
  /** This text is matched by the one and not by the other. */
  | { readonly kind: "excluded"; readonly witness: string }
  /** To decide it would take more steps than the bound: to be treated like a no. */
  | { readonly kind: "undecided" };

/** Combinations of states that one decision may look at. */
const MAX_STATES = 4000;

/** Ends every segment, the last one too, so that `**` can stand for none, one or many of them alike. */
const END = "/";

type Token =
  | { readonly kind: "literal"; readonly character: string }
  /** One character of a segment. */
  | { readonly kind: "any" }
  /** Any number of characters of a segment. */
  | { readonly kind: "star" }
  | { readonly kind: "end" }
  /** Any number of whole segments. */
  | { readonly kind: "segments" };

/**
 * A pattern as an automaton over characters. State `n` stands before token `n`, the last one accepts; within the segments
 * that a `**` takes stands a state of its own, `-1 - n`.
 */
class Automaton {
  readonly tokens: readonly Token[];

  constructor(segments: readonly Segment[]) {
    this.tokens = segments.flatMap(tokensOf);
  }

  get start(): number[] {
    return this.#closure([0]);
  }

  accepts(state: number): boolean {
    return state === this.tokens.length;
  }

  step(states: readonly number[], character: string): number[] {
    return this.#closure(states.flatMap((state) => this.#next(state, character)));
  }

  #next(state: number, character: string): number[] {
    const ends = character === END;
    if (state < 0) return ends ? [-1 - state] : [state];
    const token = this.tokens[state];
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

  /** With the states that are reached without a character. */
  #closure(states: readonly number[]): number[] {
    const reached = new Set(states);
    for (const state of reached) {
      const kind = state < 0 ? undefined : this.tokens[state]?.kind;
      if (kind === "star" || kind === "segments") reached.add(state + 1);
    }
    return [...reached].sort((a, b) => a - b);
  }
}

function tokensOf(segment: Segment): Token[] {
  if (segment === ANY_SEGMENTS) return [{ kind: "segments" }];
  const tokens: Token[] = [];
  // `*` alone takes a segment that is there.
  if (segment.length === 2 && segment.every((text) => text === "")) tokens.push({ kind: "any" });
  for (const [index, text] of segment.entries()) {
    if (index > 0) tokens.push({ kind: "star" });
    for (const character of text.split("")) tokens.push({ kind: "literal", character });
  }
  tokens.push({ kind: "end" });
  return tokens;
}

/** Where a text stands in the grammar of canonical paths; absent moves lead nowhere. */
const PATH: Readonly<
  Record<string, { readonly end?: string; readonly dot?: string; readonly other?: string }>
> = {
  start: { end: "root" },
  // Behind the first slash: the root itself is an empty segment more.
  root: { end: "done", dot: "dot", other: "name" },
  dot: { dot: "dots", other: "name" },
  dots: { dot: "name", other: "name" },
  name: { end: "next", dot: "name", other: "name" },
  next: { dot: "dot", other: "name" },
  done: {},
};

interface Place {
  /** One state of the inner pattern; the outer one is in all of its states at once. */
  readonly inner: number;
  readonly outer: readonly number[];
  readonly grammar: string;
  readonly before: Place | undefined;
  readonly character: string;
}

/** Decides whether all that `inner` matches is matched by `outer` (R-9.4-1). */
export function inclusion(inner: Glob, outer: Glob, grammar: Grammar): Inclusion {
  return isEvident(inner, outer) ? { kind: "included" } : search(inner, outer, grammar);
}

/**
 * The decision procedure of section 9.4, in polynomial time: sound, and enough for what people write (R-9.4-2). What a
 * wildcard of `inner` takes is a character, or a segment, that only a wildcard of `outer` takes.
 */
function isEvident(inner: Glob, outer: Glob): boolean {
  const run = unnamed(JSON.stringify([inner.segments, outer.segments]), 0xe000);
  return outer.matchesSegments(
    inner.segments.map((segment) => (segment === ANY_SEGMENTS ? UNKNOWN : segment.join(run))),
  );
}

/** Looks for a text that only `inner` matches, over every combination of states that a text can lead to. */
function search(inner: Glob, outer: Glob, grammar: Grammar): Inclusion {
  const [child, parent] = [new Automaton(inner.segments), new Automaton(outer.segments)];
  const alphabet = alphabetOf([...child.tokens, ...parent.tokens]);
  const first = grammar === "path" ? "start" : "empty";
  const seen = new Set<string>();
  const queue: Place[] = [];
  const visit = (place: Place): void => {
    const key = `${place.inner} ${place.grammar} ${place.outer.join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    queue.push(place);
  };
  for (const state of child.start) {
    visit({ inner: state, outer: parent.start, grammar: first, before: undefined, character: "" });
  }
  for (const place of queue) {
    if (seen.size > MAX_STATES) return { kind: "undecided" };
    const { inner: state, outer: states } = place;
    if (
      isComplete(place.grammar) &&
      child.accepts(state) &&
      !states.some((s) => parent.accepts(s))
    ) {
      return { kind: "excluded", witness: textOf(place) };
    }
    for (const character of alphabet) {
      const next = move(place.grammar, character);
      if (next === undefined) continue;
      const reached = child.step([state], character);
      if (reached.length === 0) continue;
      const outerStates = parent.step(states, character);
      for (const innerState of reached) {
        visit({ inner: innerState, outer: outerStates, grammar: next, before: place, character });
      }
    }
  }
  return { kind: "included" };
}

function move(grammar: string, character: string): string | undefined {
  if (grammar === "empty" || grammar === "free") return "free";
  const moves = PATH[grammar];
  return character === END ? moves?.end : character === "." ? moves?.dot : moves?.other;
}

function isComplete(grammar: string): boolean {
  return grammar === "free" || grammar === "next" || grammar === "done";
}

/** Every character that a pattern names, the dot, the end of a segment, and one that stands for all the others. */
function alphabetOf(tokens: readonly Token[]): string[] {
  const named = new Set([".", END]);
  for (const token of tokens) if (token.kind === "literal") named.add(token.character);
  return [...named, unnamed([...named].join(""), 0x61)];
}

/** A character that the text does not have, from this code on. */
function unnamed(text: string, code: number): string {
  let candidate = code;
  while (text.includes(String.fromCharCode(candidate))) candidate += 1;
  return String.fromCharCode(candidate);
}

function textOf(place: Place): string {
  const characters: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.before) {
    characters.push(at.character);
  }
  // The last segment ends with the text.
  return characters.reverse().join("").slice(0, -1);
}
