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

/** Stands where `clip` has cut a text. */
const ELLIPSIS = "…";

/** Heads that are looked for one by one, by the engine's own search: it is quicker than any way through a text. */
const FEW = 16;

/** Bits by which a hash moves on with each character: what is moved out of all of them is forgotten. */
const STEP = 6;

/**
 * Finds secret values in texts. A text is gone through once, and values are compared with it only where it has the first
 * characters of one: what that takes does not grow with the number of values, which a job may have thousands of.
 */
export class SecretIndex {
  readonly #values = new Set<string>();
  /** Those that begin with the same characters, by the hash of these. */
  readonly #byHead = new Map<number, string[]>();
  readonly #heads = new Set<string>();
  /** All beginnings that are shorter than a head. */
  readonly #shortBeginnings = new Set<string>();
  /** Characters of a head. No value is shorter. */
  #head = HARMLESS + 1;

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  add(value: string): void {
    if (this.#values.has(value)) return;
    this.#values.add(value);
    if (value.length >= this.#head) return this.#enter(value);
    this.#head = value.length;
    this.#byHead.clear();
    this.#heads.clear();
    for (const each of this.#values) this.#enter(each);
  }

  find(text: string): Findings {
    const spans: Span[] = [];
    let open = text.length - this.#shortBeginningAt(text);
    if (!this.#mayHaveHead(text)) return { spans, open };
    let cut = -1;
    for (let hash = 0, end = 1; end <= text.length; end++) {
      hash = this.#moved(hash, text, end - 1);
      const values = this.#byHead.get(hash);
      const from = end - this.#head;
      if (values === undefined || from < 0) continue;
      if (cut < from) {
        cut = text.indexOf(ELLIPSIS, from);
        if (cut === -1) cut = text.length;
      }
      const rest = text.slice(from, cut);
      for (const value of values) {
        if (text.startsWith(value, from)) add(spans, from, from + value.length);
        else if (!isBeginning(rest, value)) continue;
        else if (cut === text.length) open = Math.min(open, from);
        else if (rest.length > HARMLESS) add(spans, from, cut);
      }
    }
    return { spans, open };
  }

  /** Values of one upstream begin alike, and most texts have nothing of the kind. */
  #mayHaveHead(text: string): boolean {
    return this.#heads.size > FEW || [...this.#heads].some((head) => text.includes(head));
  }

  #enter(value: string): void {
    this.#heads.add(value.slice(0, this.#head));
    for (let length = 1; length < this.#head; length++) {
      this.#shortBeginnings.add(value.slice(0, length));
    }
    let hash = 0;
    for (let index = 0; index < this.#head; index++) hash = this.#moved(hash, value, index);
    const others = this.#byHead.get(hash);
    if (others === undefined) this.#byHead.set(hash, [value]);
    else others.push(value);
  }

  /** The hash of as many characters as a head has, moved on by one. */
  #moved(hash: number, text: string, index: number): number {
    return ((hash << STEP) + text.charCodeAt(index)) & ((1 << (STEP * this.#head)) - 1);
  }

  /** Characters of the longest beginning below a head that the text ends with. */
  #shortBeginningAt(text: string): number {
    for (let length = Math.min(this.#head - 1, text.length); length > 0; length--) {
      if (this.#shortBeginnings.has(text.slice(-length))) return length;
    }
    return 0;
  }
}

function isBeginning(text: string, value: string): boolean {
  return text.length < value.length && value.startsWith(text);
}

/** @param from not before that of the last one */
function add(spans: Span[], from: number, to: number): void {
  const last = spans.at(-1);
  if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
  else spans.push({ from, to });
}
