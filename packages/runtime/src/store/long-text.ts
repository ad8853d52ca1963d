import type { EncodedText, HeldBytes } from "@arcp/core";
import { blocks } from "./blocks.ts";

/** Bytes that tell a text that is not ASCII from one that is: the longest character takes as many. */
const MARGIN = 4;

/**
 * A long text as UTF-8 in a block outside of the heap, where the garbage collector never copies it. A store that keeps it lends it
 * to its readers, and releases the block when it keeps the text no longer. Nobody ever reads what is written into the block
 * afterwards: what was lent by then and not given back becomes a string, and a block that somebody holds is used again only when it is let go.
 */
export class LongText implements EncodedText {
  readonly size: number;
  /** In characters. */
  readonly length: number;
  /** Where it begins in its block. */
  readonly #start: number;
  #block: Buffer | undefined;
  /** What it is without a block. */
  #text: string | undefined;
  #isKept = false;
  #isReleased = false;
  #readers = 0;
  #holders = 0;

  /** @param block its own, with the text's bytes from `start` on */
  constructor(block: Buffer, size: number, length: number, start = 0) {
    this.#block = block;
    this.#start = start;
    this.size = size;
    this.length = length;
  }

  /** @returns undefined for a text that is not well-formed, which no bytes can stand for */
  static of(text: string): LongText | undefined {
    return ascii(text) ?? unicode(text);
  }

  /** The parts joined. @param parts in ASCII */
  static ofAscii(...parts: readonly string[]): LongText {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const block = blocks.take(length);
    let end = 0;
    for (const part of parts) end += block.write(part, end, "latin1");
    return new LongText(block, length, length);
  }

  hold(): HeldBytes {
    this.#holders += 1;
    let isHeld = true;
    const letGo = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders -= 1;
      this.#recycle();
    };
    return { bytes: this.#bytes ?? Buffer.from(this.toString()), letGo };
  }

  toString(): string {
    if (this.#text !== undefined) return this.#text;
    const bytes = this.#bytes;
    if (bytes === undefined) throw new Error("a text was read after it had been given back");
    // Half the time where it is ASCII.
    return bytes.toString(this.size === this.length ? "latin1" : "utf8");
  }

  /** For a store that keeps it. @returns this text, or a copy where another store keeps it: each releases its own */
  keep(): LongText {
    const kept = this.#isKept ? this.#copied() : this;
    kept.#isKept = true;
    return kept;
  }

  /** For a reader of the store that keeps it, who can read it for as long as it likes. */
  lend(): LongText {
    this.#readers += 1;
    return this;
  }

  /** A reader is done with it: it costs nothing when the text is released. To be called once for each time that it was lent. */
  giveBack(): void {
    this.#readers -= 1;
  }

  /** The store keeps it no longer, and its block is used again once nobody holds it. */
  release(): void {
    this.#isReleased = true;
    this.#recycle();
  }

  /** Becomes a string, so that its block is used again, unless a store keeps it. */
  toOwnString(): string {
    this.#text ??= this.toString();
    if (!this.#isKept) this.release();
    return this.#text;
  }

  #recycle(): void {
    if (!this.#isReleased || this.#holders > 0 || this.#block === undefined) return;
    if (this.#readers > 0) this.#text ??= this.toString();
    blocks.give(this.#block);
    this.#block = undefined;
  }

  get #bytes(): Buffer | undefined {
    return this.#block?.subarray(this.#start, this.#start + this.size);
  }

  #copied(): LongText {
    const block = blocks.take(this.size);
    const { bytes, letGo } = this.hold();
    block.set(bytes);
    letGo();
    return new LongText(block, this.size, this.length);
  }
}

function ascii(text: string): LongText | undefined {
  const { length } = text;
  const block = blocks.take(length + MARGIN);
  // To look at it first would take longer than to write it.
  const size = block.write(text, 0, length + MARGIN, "utf8");
  if (size === length) return new LongText(block, size, length);
  blocks.give(block);
  return undefined;
}

function unicode(text: string): LongText | undefined {
  if (!text.isWellFormed()) return undefined;
  const block = blocks.take(Buffer.byteLength(text));
  return new LongText(block, block.write(text, "utf8"), text.length);
}
