import { blocks } from "../store/blocks.ts";
import { LongText } from "../store/long-text.ts";

/** What may stand before and behind it in a block, characters. */
const MAX_AROUND = 1024;

/**
 * The data of a chunk as JSON, in a block outside of the heap that has room for the record around it: a string would be one that the
 * garbage collector has to move, and one more copy.
 */
export class ChunkData {
  readonly #length: number;
  readonly #block: Buffer;

  /** @param json in ASCII, its quotes included; it is copied */
  constructor(json: Buffer) {
    this.#length = json.length;
    this.#block = blocks.take(MAX_AROUND + json.length + MAX_AROUND);
    json.copy(this.#block, MAX_AROUND);
  }

  /**
   * It with what stands around it. To be called once: the block is now that of the long text.
   *
   * @param before ASCII
   * @param behind ASCII
   */
  within(before: string, behind: string): LongText {
    const block = this.#block;
    const end = MAX_AROUND + this.#length;
    if (before.length > MAX_AROUND || behind.length > MAX_AROUND) {
      return LongText.ofAscii(before, block.toString("latin1", MAX_AROUND, end), behind);
    }
    const start = MAX_AROUND - before.length;
    block.write(before, start, "latin1");
    block.write(behind, end, "latin1");
    const size = end + behind.length - start;
    return new LongText(block, size, size, start);
  }
}
