/** Bytes of a block. */
const SIZE = 512 * 1024;

/** Blocks that are kept while nobody needs them. */
const MAX_SPARE = 8;

const spare: Buffer[] = [];

/**
 * The memory of a few long messages, from when they are framed until the socket took them. A buffer made for each message
 * would get pages fresh from the system, which costs more than all that is done with them; here the same pages are
 * written again and again.
 */
export class MessageBlocks {
  readonly #blocks: Buffer[] = [];
  #used = SIZE;

  get empty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Room for a message of at most so many bytes; undefined when none is as large. */
  room(bytes: number): Buffer | undefined {
    if (bytes > SIZE) return undefined;
    if (bytes > SIZE - this.#used) {
      this.#blocks.push(spare.pop() ?? Buffer.allocUnsafeSlow(SIZE));
      this.#used = 0;
    }
    return this.#blocks.at(-1)?.subarray(this.#used);
  }

  /** The next message may begin behind so many bytes of the last room. */
  use(bytes: number): void {
    this.#used += bytes;
  }

  /** Nobody reads what was written into them any more. */
  release(): void {
    for (const block of this.#blocks.splice(0)) if (spare.length < MAX_SPARE) spare.push(block);
    this.#used = SIZE;
  }
}
