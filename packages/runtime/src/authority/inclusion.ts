import { Automaton } from "./automaton.ts";
import type { Effort } from "./effort.ts";
import type { Glob } from "./glob.ts";
import type { Grammar } from "./grammar.ts";
import { ANY_SEGMENTS, END, isLiteral } from "./segment.ts";

/** Whether every text of the grammar that one pattern matches is also matched by another. */
export type Inclusion =
  | { readonly kind: "included" }
  /** Only the first pattern matches this text. */
  | { readonly kind: "excluded"; readonly witness: string }
  /** A decision would exceed the work budget; to be treated like a no. */
  | { readonly kind: "undecided" };

/** The most state transitions per decision: some tenths of a second, and far more than patterns need that people write. */
const MAX_MOVES = 200_000;

/** State transitions per step of a decision: about a millisecond. */
const STEP = 1000;

interface Place {
  /** One state of the inner pattern; the outer one is in all of its states at the same time. */
  readonly inner: number;
  readonly outer: readonly number[];
  readonly grammar: string;
  readonly before: Place | undefined;
  readonly character: string;
}

/** A decision in steps, because it may take longer than a turn allows (J4). */
export type Deciding = Generator<undefined, Inclusion>;

/** Decides for one pair of patterns of a kind. */
export type Decide<P> = (inner: P, outer: P, effort: Effort) => Deciding;

/** Runs all steps of a decision at once. */
export function decided(deciding: Deciding): Inclusion {
  for (;;) {
    const { done, value } = deciding.next();
    if (done === true) return value;
  }
}

/**
 * Decides whether everything that `inner` matches is matched by `outer` (R-9.4-1).
 * @param outer undefined for a pattern that matches nothing
 */
export function* inclusion(
  inner: Glob,
  outer: Glob | undefined,
  grammar: Grammar,
  effort: Effort = { left: MAX_MOVES },
): Deciding {
  if (outer !== undefined && isEvident(inner, outer)) return { kind: "included" };
  if (!inner.segments.every(isLiteral)) return yield* search(inner, outer, grammar, effort);
  const witness = inner.segments.join("/");
  const isText = grammar.holds?.(witness) ?? true;
  return isText ? { kind: "excluded", witness } : { kind: "included" };
}

/**
 * The decision procedure of section 9.4, in polynomial time: sound, and sufficient for patterns that people write (R-9.4-2). Each
 * wildcard of `inner` is replaced by a character, or a segment, that only a wildcard of `outer` matches.
 */
function isEvident(inner: Glob, outer: Glob): boolean {
  const texts = JSON.stringify([inner.segments, outer.segments]);
  const run = unnamed(texts);
  const unknown = unnamed(texts + run);
  const target = inner.segments.map((segment) =>
    segment === ANY_SEGMENTS ? unknown : segment.join(run),
  );
  return outer.matches(target.join("/"), undefined, unknown);
}

/** A character that does not occur in the text. */
function unnamed(text: string): string {
  let code = 0xe000;
  while (text.includes(String.fromCharCode(code))) code += 1;
  return String.fromCharCode(code);
}

/** Searches for a text that only `inner` matches, over all combinations of states that a text can lead to. */
function* search(inner: Glob, outer: Glob | undefined, grammar: Grammar, effort: Effort): Deciding {
  if (effort.left <= 0) return { kind: "undecided" };
  const child = new Automaton(inner.segments);
  const parent = outer && new Automaton(outer.segments);
  const seen = new Set<string>();
  const queue: Place[] = [];
  const least = Math.max(0, effort.left - MAX_MOVES);
  let isSure = true;
  let stepEnd = effort.left - STEP;
  const visit = (place: Place): void => {
    const key = `${place.inner} ${place.grammar} ${place.outer.join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    queue.push(place);
  };
  const outerStart = parent?.deciding(parent.start) ?? [];
  for (const state of child.start) {
    const at = { inner: state, outer: outerStart, grammar: grammar.start };
    visit({ ...at, before: undefined, character: "" });
  }
  for (const place of queue) {
    const { inner: state, outer: states, grammar: at } = place;
    if (grammar.isComplete(at) && child.accepts(state) && !states.some((s) => parent?.accepts(s))) {
      const witness = textOf(place);
      if (grammar.holds?.(witness) ?? true) return { kind: "excluded", witness };
      isSure = false;
    }
    const named = [state, ...states].map((s, i) => (i === 0 ? child : parent)?.awaits(s));
    for (const character of alphabet(named, grammar)) {
      const next = grammar.move(at, character);
      if (next === undefined) continue;
      const reached = child.step([state], character);
      if (reached.length === 0) continue;
      const outerStates = parent?.deciding(parent.step(states, character)) ?? [];
      for (const innerState of reached) {
        visit({ inner: innerState, outer: outerStates, grammar: next, before: place, character });
      }
      effort.left -= states.length + reached.length;
    }
    effort.left -= 1 + states.length;
    if (effort.left < least) return { kind: "undecided" };
    if (effort.left > stepEnd) continue;
    yield;
    stepEnd = effort.left - STEP;
  }
  return { kind: isSure ? "included" : "undecided" };
}

/**
 * The characters to try: all that some state waits for, the end of a segment, and one other character of each kind, which stands
 * for the rest of its kind.
 */
function* alphabet(named: readonly (string | undefined)[], { kinds }: Grammar): Generator<string> {
  const awaited = new Set(named);
  for (const kind of kinds) {
    for (const character of kind) {
      if (awaited.has(character)) continue;
      yield character;
      break;
    }
  }
  yield END;
  for (const character of awaited) if (character !== undefined) yield character;
}

function textOf(place: Place): string {
  const characters: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.before) {
    characters.push(at.character);
  }
  // Drop the `END` of the last segment.
  return characters.reverse().join("").slice(0, -1);
}
