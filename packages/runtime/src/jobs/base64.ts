import { blocks } from "../store/blocks.ts";
import { LONG } from "../store/long-record.ts";
import { LongText } from "../store/long-text.ts";
import { BASE64_MODULE } from "./base64-module.ts";
import { startModule } from "./wasm.ts";

/** Bytes that fit into the memory of the module, with what comes of them. */
export const MAX_ENCODED = 64 * 1024;

/** Where the characters are in the memory of the module, behind the bytes and what is read behind these. */
const TARGET = MAX_ENCODED + 16;

/** What may stand before and behind it in a block, its quotes included, characters. */
const MAX_AROUND = 1024;

const QUOTE = 0x22;
const PADDING = 0x3d;

/**
 * Bytes in base64, in a block outside of the heap that has room for the record around them: Node encodes into strings alone, which
 * the garbage collector would have to move, and the copy of which into a block is one more.
 */
export class Base64Text {
  /** In characters. */
  readonly length: number;
  readonly #block: Buffer;

  private constructor(length: number, block: Buffer) {
    this.length = length;
    this.#block = block;
  }

  /** @returns the bytes as they are now; undefined for those that make no long record, that are too many, or if the engine cannot do it */
  static of(bytes: Uint8Array): Base64Text | undefined {
    const { length: size } = bytes;
    const length = 4 * Math.ceil(size / 3);
    if (encoder === undefined || length < LONG || size > MAX_ENCODED) return undefined;
    const { memory, run } = encoder;
    memory.set(bytes);
    memory.fill(0, size, size + 2);
    run(0, size, TARGET);
    const end = TARGET + length;
    memory.fill(PADDING, end - ((3 - (size % 3)) % 3), end);
    const block = blocks.take(MAX_AROUND + length + MAX_AROUND);
    memory.copy(block, MAX_AROUND, TARGET, end);
    return new Base64Text(length, block);
  }

  /**
   * The same as `before + JSON.stringify(text) + behind`. To be called once: the block is now that of the long text.
   *
   * @param before ASCII
   * @param behind ASCII
   */
  quoted(before: string, behind: string): LongText {
    const end = MAX_AROUND + this.length;
    if (before.length >= MAX_AROUND || behind.length >= MAX_AROUND) {
      const text = this.#block.toString("latin1", MAX_AROUND, end);
      return LongText.ofAscii(before, '"', text, '"', behind);
    }
    const block = this.#block;
    const start = MAX_AROUND - 1 - before.length;
    block.write(before, start, "latin1");
    block[MAX_AROUND - 1] = QUOTE;
    block[end] = QUOTE;
    block.write(behind, end + 1, "latin1");
    const size = end + 1 + behind.length - start;
    return new LongText(block, size, size, start);
  }
}

const encoder = startModule<(from: number, size: number, to: number) => void>(
  BASE64_MODULE,
  "encode",
);
