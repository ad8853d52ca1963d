/** A text that a pattern takes as it is, prepared to be looked for so that what it is looked for in is read once (Knuth, Morris and Pratt). */
export class Literal {
  readonly text: string;
  /** By the length of a beginning of it: how long a shorter beginning is with which that ends. */
  readonly #borders: Uint32Array;

  constructor(text: string) {
    this.text = text;
    this.#borders = new Uint32Array(text.length + 1);
    for (let end = 1, border = 0; end < text.length; end += 1) {
      border = this.#follow(border, text.charCodeAt(end));
      this.#borders[end + 1] = border;
    }
  }

  /** Whether it stands in another text at this place. */
  standsAt(text: string, at: number): boolean {
    const { length } = this.text;
    if (at + length > text.length) return false;
    for (let i = 0; i < length; i += 1) {
      if (text.charCodeAt(at + i) !== this.text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** @returns the place behind where it first stands between two places; -1 when it stands nowhere there */
  firstEnd(text: string, from: number, to: number): number {
    const { length } = this.text;
    for (let at = from, found = 0; at < to; at += 1) {
      found = this.#follow(found, text.charCodeAt(at));
      if (found === length) return at + 1;
    }
    return -1;
  }

  /** @returns the places behind where it stands, of all those that are marked, from the first one on */
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

  /** How much of it has been found once this character follows on so much. */
  #follow(found: number, code: number): number {
    let length = found;
    while (length > 0 && this.text.charCodeAt(length) !== code) length = this.#borders[length] ?? 0;
    return this.text.charCodeAt(length) === code ? length + 1 : 0;
  }
}
