/** A range of a text. */
export interface Span {
  readonly from: number;
  to: number;
}

/** The secrets found in a text. */
export interface Findings {
  /** The ranges to redact, in order and without overlaps. */
  readonly spans: readonly Span[];
  /** Where the longest prefix of a value begins with which the text ends; the text's length if there is none. */
  readonly open: number;
}

/** The length of a value's prefix that reveals nothing: most values begin with the same few characters. */
const HARMLESS = 4;

/** The mark that `clip` leaves where it has cut a text; occurs in no value. */
const ELLIPSIS = "…";

/** Up to this number of heads, each is searched for with the engine's own search, which is faster than scanning the text here. */
const FEW = 16;

/**
 * Finds secret values in texts. From each position it follows the text as long as it matches a value, so the cost does not grow
 * with the number of values: a job may have thousands that only differ after a long common prefix.
 */
export class SecretIndex {
  readonly #values = new Branch();
  /** The first characters of values. Without any of these, a text can only end with a prefix that reveals nothing. */
  readonly #heads = new Set<string>();

  get isEmpty(): boolean {
    return this.#heads.size === 0;
  }

  add(value: string): void {
    this.#heads.add(value.slice(0, HARMLESS + 1));
    this.#values.add(value);
  }

  find(text: string): Findings {
    const spans: Span[] = [];
    let open = text.length;
    const first = this.#mayHaveHead(text) ? 0 : Math.max(0, text.length - HARMLESS);
    for (let from = first; from < text.length; from++) {
      const followed = this.#values.follow(text, from);
      if (followed === undefined) continue;
      const { whole, parting, isBeginning } = followed;
      if (whole > from) add(spans, from, whole);
      if (!isBeginning) continue;
      if (parting === text.length) open = Math.min(open, from);
      else if (text[parting] === ELLIPSIS && parting - from > HARMLESS) add(spans, from, parting);
    }
    return { spans, open };
  }

  /** Values of one upstream begin alike, and most texts contain nothing similar. */
  #mayHaveHead(text: string): boolean {
    return this.#heads.size > FEW || [...this.#heads].some((head) => text.includes(head));
  }
}

/** How far a text matches values from a position on. */
interface Followed {
  /** The end of the longest complete value; the start if there is none. */
  readonly whole: number;
  /** The position at which the text stops matching any value. */
  readonly parting: number;
  /** Whether some value would continue there. */
  readonly isBeginning: boolean;
}

/** A node of the tree of values: all values with the same prefix. */
class Branch {
  /** By next character: the subtree, or the whole value if it is the only one. */
  readonly #next = new Map<number, Branch | string>();
  /** Whether a value ends here. */
  #isValue = false;

  add(value: string): void {
    let branch: Branch = this;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      const next = branch.#next.get(code);
      if (next === undefined || next === value) {
        branch.#next.set(code, value);
        return;
      }
      branch = next instanceof Branch ? next : branch.#fork(code, next, at + 1);
    }
    branch.#isValue = true;
  }

  /** @returns undefined if nothing there reveals a value */
  follow(text: string, from: number): Followed | undefined {
    let at = from;
    let whole = from;
    let branch: Branch = this;
    let next = branch.#next.get(text.charCodeAt(at));
    while (next instanceof Branch) {
      branch = next;
      at++;
      if (branch.#isValue) whole = at;
      next = branch.#next.get(text.charCodeAt(at));
    }
    let isBeginning = branch.#next.size > 0;
    if (next !== undefined) {
      do at++;
      while (text.charCodeAt(at) === next.charCodeAt(at - from));
      isBeginning = at - from < next.length;
      if (!isBeginning) whole = at;
    }
    const isHarmless = at < text.length && at - from <= HARMLESS && whole === from;
    return isHarmless ? undefined : { whole, parting: at, isBeginning };
  }

  /** Replaces a single value by a subtree, to make room for another. @param at the index in the value after the fork */
  #fork(code: number, value: string, at: number): Branch {
    const fork = new Branch();
    if (at === value.length) fork.#isValue = true;
    else fork.#next.set(value.charCodeAt(at), value);
    this.#next.set(code, fork);
    return fork;
  }
}

/** @param from at least that of the last range */
function add(spans: Span[], from: number, to: number): void {
  const last = spans.at(-1);
  if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
  else spans.push({ from, to });
}
