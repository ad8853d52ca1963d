/** Bytes of blocks that may wait to be used again, in a process. */
const MOST_SPARE = 16 * 1024 * 1024;

/**
 * Memory outside of the heap that is used again and again: whatever is written to for the first time has to be brought by the
 * system, which costs more than all that is done with it.
 */
export class Blocks {
  readonly #mostSpare: number;
  /** By their size. The size that was asked for last comes last. */
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  /** @param mostSpare bytes of blocks that may wait to be used again */
  constructor(mostSpare: number) {
    this.#mostSpare = mostSpare;
  }

  /** Bytes of blocks that wait to be used again. */
  get spare(): number {
    return this.#spareBytes;
  }

  /** A block of at least so many bytes, with anything in it. One that is never given back is left to the garbage collector. */
  take(bytes: number): Buffer {
    const size = sizeOfBlock(bytes);
    const blocks = this.#spare.get(size) ?? [];
    this.#spare.delete(size);
    this.#spare.set(size, blocks);
    const block = blocks.pop();
    if (block === undefined) return Buffer.allocUnsafeSlow(size);
    this.#spareBytes -= size;
    return block;
  }

  /** Nobody will read what is in it, nor write to it. @param block from `take` */
  give(block: Buffer): void {
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

/** Those of the process. */
export const blocks = new Blocks(MOST_SPARE);

/** Texts of about the same length get blocks of the same size, an eighth too large at most. */
function sizeOfBlock(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
