/** The most bytes of blocks kept for reuse, per process. */
const MOST_SPARE = 16 * 1024 * 1024;

/**
 * Off-heap memory that is reused. Memory that is written for the first time must be provided by the operating system, which costs
 * more than all the work on it.
 */
export class Blocks {
  readonly #mostSpare: number;
  /** Spare blocks by size. The size requested last comes last. */
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  /** @param mostSpare the most bytes of blocks kept for reuse */
  constructor(mostSpare: number) {
    this.#mostSpare = mostSpare;
  }

  /** The bytes of blocks kept for reuse. */
  get spare(): number {
    return this.#spareBytes;
  }

  /**
   * A block of at least so many bytes, with arbitrary content. A block that is never given back is left to the garbage collector.
   */
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

  /** Returns a block that nobody will read or write any more. @param block from `take` */
  give(block: Buffer): void {
    const size = block.length;
    // Sizes are never forgotten, because there are few.
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

/** The blocks of this process. */
export const blocks = new Blocks(MOST_SPARE);

/** Rounds up, by an eighth at most, so that texts of similar lengths use blocks of the same size. */
function sizeOfBlock(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
