/** A literal text to search for in linear time, with the Knuth-Morris-Pratt algorithm. */
export class Literal {
  readonly text: string;
  /** The failure function: for each prefix length, the length of the longest shorter prefix that ends that prefix. */
  readonly #borders: Uint32Array;

  constructor(text: string) {
    this.text = text;
    this.#borders = new Uint32Array(text.length + 1);
    for (let end = 1, border = 0; end < text.length; end += 1) {
      border = this.#follow(border, text.charCodeAt(end));
      this.#borders[end + 1] = border;
    }
  }

  /** Whether the literal occurs in a text at this position. */
  standsAt(text: string, at: number): boolean {
    const { length } = this.text;
    if (at + length > text.length) return false;
    for (let i = 0; i < length; i += 1) {
      if (text.charCodeAt(at + i) !== this.text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** @returns the end of the first occurrence between two positions; -1 if there is none */
  firstEnd(text: string, from: number, to: number): number {
    const { length } = this.text;
    for (let at = from, found = 0; at < to; at += 1) {
      found = this.#follow(found, text.charCodeAt(at));
      if (found === length) return at + 1;
    }
    return -1;
  }

  /** @returns the ends of all occurrences that begin at a marked position, from `first` on */
  behind(marked: Uint8Array, text: string, first: number): Uint8Array<ArrayBuffer> {
    const { length } = this.text;
    const behind = new Uint8Array(marked.length);
    for (let at = first, found = 0; at < text.length; at += 1) {
      found = this.#follow(found, text.charCodeAt(at));
      if (found < length) continue;
      behind[at + 1] = marked[at + 1 - length] ?? 0;
      found = this.#borders[length] ?? 0;
    }
    return behind;
  }

  /** The length of the match after one more character. */
  #follow(found: number, code: number): number {
    let length = found;
    while (length > 0 && this.text.charCodeAt(length) !== code) length = this.#borders[length] ?? 0;
    return this.text.charCodeAt(length) === code ? length + 1 : 0;
  }
}
