import { blocks } from "../store/blocks.ts";
import { LongText } from "../store/long-text.ts";

/** The most characters reserved before the data in a block, and as many after it. */
const MAX_AROUND = 1024;

/**
 * The data of a chunk as JSON, in an off-heap block with room for the record around it. A string would take another copy and have
 * to be moved by the garbage collector.
 */
export class ChunkData {
  readonly #length: number;
  readonly #block: Buffer;

  /** @param json in ASCII, quotes included; it is copied */
  constructor(json: Buffer) {
    this.#length = json.length;
    this.#block = blocks.take(MAX_AROUND + json.length + MAX_AROUND);
    json.copy(this.#block, MAX_AROUND);
  }

  /**
   * Adds what stands around the data in the record. Call it once only: the block now belongs to the long text.
   *
   * @param before in ASCII
   * @param behind in ASCII
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
