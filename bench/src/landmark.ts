/**
 * A piece of text that is at nearly the same place in every frame. Looking where it was last costs nanoseconds; a search or a JSON
 * parser would cost more than the server spends on the frame.
 */
export class Landmark {
  readonly #text: Buffer;
  #offset = 0;

  /** @param text of ASCII */
  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  /** @returns the index just after it, in the bytes from `start` to before `end`; -1 if it is not there */
  behind(bytes: Buffer, start: number, end: number): number {
    const index = start + this.#offset;
    if (this.#standsAt(bytes, index, end)) return index + this.#text.length;
    const found = bytes.subarray(start, end).indexOf(this.#text);
    if (found === -1) return -1;
    this.#offset = found;
    return start + found + this.#text.length;
  }

  #standsAt(bytes: Buffer, index: number, end: number): boolean {
    const { length } = this.#text;
    if (index + length > end) return false;
    for (let i = 0; i < length; i++) {
      if (bytes[index + i] !== this.#text[i]) return false;
    }
    return true;
  }
}
