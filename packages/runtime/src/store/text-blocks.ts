/** A text outside of the heap. */
export interface KeptText {
  /** The text itself while it is one of the newest. */
  text: string | undefined;
  readonly block: Buffer;
  /** Bytes of it, from the beginning of the block on, as UTF-8. */
  readonly size: number;
  /** As which the bytes are read: those of ASCII as Latin-1, which takes half the time. */
  readonly encoding: "latin1" | "utf8";
}

/** Characters of the newest texts that are at hand as they were given: most readers are right behind their writer. */
const NEWEST = 2 * 1024 * 1024;

/** Bytes that tell a text that is not ASCII from one that is: the longest character takes as many. */
const MARGIN = 4;

/**
 * Keeps long texts outside of the heap, where the garbage collector never copies them, in blocks of memory that are used
 * again: whatever is written to for the first time has to be brought by the system, which costs more than all that is
 * done with it. A store that is full writes into the blocks of what it evicts.
 */
export class TextBlocks {
  readonly #mostSpare: number;
  /** By their size. The size that was asked for last comes last. */
  readonly #spare = new Map<number, Buffer[]>();
  /** Bytes of all that are spare. */
  #spareBytes = 0;
  readonly #newest: KeptText[] = [];
  #newestCharacters = 0;

  /** @param mostSpare bytes of blocks that may wait to be used again */
  constructor(mostSpare: number) {
    this.#mostSpare = mostSpare;
  }

  /** Bytes of blocks that wait to be used again. */
  get spare(): number {
    return this.#spareBytes;
  }

  /** @returns undefined for a text that is not well-formed, which no bytes can stand for */
  keep(text: string): KeptText | undefined {
    const kept = this.#keepAscii(text) ?? this.#keepUnicode(text);
    if (kept === undefined) return undefined;
    this.#newest.push(kept);
    this.#newestCharacters += text.length;
    while (this.#newestCharacters > NEWEST) {
      const oldest = this.#newest.shift();
      if (oldest?.text === undefined) continue;
      this.#newestCharacters -= oldest.text.length;
      oldest.text = undefined;
    }
    return kept;
  }

  read({ text, block, size, encoding }: KeptText): string {
    return text ?? block.toString(encoding, 0, size);
  }

  /** Nobody will read it again. */
  release({ block }: KeptText): void {
    this.#give(block);
  }

  #keepAscii(text: string): KeptText | undefined {
    const { length } = text;
    const block = this.#take(length + MARGIN);
    // To look at it first would take longer than to write it.
    const size = block.write(text, 0, length + MARGIN, "utf8");
    if (size === length) return { text, block, size, encoding: "latin1" };
    this.#give(block);
    return undefined;
  }

  #keepUnicode(text: string): KeptText | undefined {
    if (!text.isWellFormed()) return undefined;
    const block = this.#take(Buffer.byteLength(text));
    return { text, block, size: block.write(text, "utf8"), encoding: "utf8" };
  }

  #take(bytes: number): Buffer {
    const size = sizeOfBlock(bytes);
    const blocks = this.#spare.get(size) ?? [];
    this.#spare.delete(size);
    this.#spare.set(size, blocks);
    const block = blocks.pop();
    if (block === undefined) return Buffer.allocUnsafeSlow(size);
    this.#spareBytes -= size;
    return block;
  }

  #give(block: Buffer): void {
    const size = block.length;
    // Its size is known for good: there are few of them.
    this.#spare.get(size)?.push(block);
    this.#spareBytes += size;
    for (const [size, blocks] of this.#spare) {
      while (this.#spareBytes > this.#mostSpare && blocks.pop() !== undefined) {
        this.#spareBytes -= size;
      }
      if (this.#spareBytes <= this.#mostSpare) return;
    }
  }
}

/** Texts of about the same length get blocks of the same size, an eighth too large at most. */
function sizeOfBlock(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
