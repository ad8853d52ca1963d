/** A stretch of a text. */
export interface Span {
  readonly from: number;
  to: number;
}

/** What of a text is secret. */
export interface Findings {
  /** What is to go, in order; none overlaps another. */
  readonly spans: readonly Span[];
  /** Where the longest beginning of a value stands that the text ends with; its length where there is none. */
  readonly open: number;
}

/** Characters of a value that give nothing away: most begin with a few that are the same for all. */
const HARMLESS = 4;

/** Stands where `clip` has cut a text, and in no value. */
const ELLIPSIS = "…";

/** Heads that are looked for one by one, by the engine's own search: it is quicker than any way through a text. */
const FEW = 16;

/**
 * Finds secret values in texts. From each place of a text it goes as far as that goes on like a value: what it takes does
 * not grow with the number of values, of which a job may have thousands that differ only behind a long beginning.
 */
export class SecretIndex {
  readonly #values = new Branch();
  /** First characters of values. Where none of these stands, a text can but end with some that give nothing away. */
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

  /** Values of one upstream begin alike, and most texts have nothing of the kind. */
  #mayHaveHead(text: string): boolean {
    return this.#heads.size > FEW || [...this.#heads].some((head) => text.includes(head));
  }
}

/** How far a text goes on like values. */
interface Followed {
  /** The place behind the longest value that stands there as a whole; where it began when none does. */
  readonly whole: number;
  /** The place where it goes on like no value. */
  readonly parting: number;
  /** Whether a value goes on behind that. */
  readonly isBeginning: boolean;
}

/** Values that have begun alike. */
class Branch {
  /** By the next character: what goes on with it, which may be one value alone. */
  readonly #next = new Map<number, Branch | string>();
  /** Whether one ends here. */
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

  /** @returns undefined where a text has nothing that gives a value away */
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

  /** Makes room beside a value that was alone. @param at its character behind the fork */
  #fork(code: number, value: string, at: number): Branch {
    const fork = new Branch();
    if (at === value.length) fork.#isValue = true;
    else fork.#next.set(value.charCodeAt(at), value);
    this.#next.set(code, fork);
    return fork;
  }
}

/** @param from not before that of the last one */
function add(spans: Span[], from: number, to: number): void {
  const last = spans.at(-1);
  if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
  else spans.push({ from, to });
}
