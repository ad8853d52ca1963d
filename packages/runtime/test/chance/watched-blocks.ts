import assert from "node:assert/strict";
import { blocks } from "../../src/store/blocks.ts";

/** Watches every block of memory outside of the heap from its allocation until the end of the scope. */
export class WatchedBlocks {
  readonly #known = new Set<Buffer>();
  readonly #taken = new Set<Buffer>();
  #bytes = 0;

  constructor() {
    const { take, give } = blocks;
    blocks.take = (bytes) => {
      const block = take.call(blocks, bytes);
      assert(!this.#taken.has(block), "a block belongs to one text");
      this.#known.add(block);
      this.#taken.add(block.fill("?"));
      this.#bytes += block.length;
      return block;
    };
    blocks.give = (block) => {
      // Blocks taken before do not matter here.
      assert(this.#taken.delete(block) || !this.#known.has(block), "a block is given back once");
      if (this.#known.has(block)) this.#bytes -= block.length;
      // Whoever still reads the block reads this.
      give.call(blocks, block.fill("#"));
    };
  }

  /** How many blocks were taken, each counted once however often. */
  get count(): number {
    return this.#known.size;
  }

  /** Bytes of blocks that were taken and not returned. */
  get inUse(): number {
    return this.#bytes;
  }

  [Symbol.dispose](): void {
    Reflect.deleteProperty(blocks, "take");
    Reflect.deleteProperty(blocks, "give");
  }
}
