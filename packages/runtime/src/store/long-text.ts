import type { EncodedText, HeldBytes } from "@arcp/core";
import { blocks } from "./blocks.ts";

/** Spare bytes by which a text that is not ASCII can be told from one that is: as many as the longest character takes. */
const MARGIN = 4;

/**
 * A long text as UTF-8 in a block outside the heap, where the garbage collector never copies it. A store that keeps it lends it to
 * its readers, and releases the block when it no longer keeps the text. No reader ever sees what is written into the block
 * afterwards: a text that is still lent becomes a string, and a block that somebody holds is not reused until it is let go.
 */
export class LongText implements EncodedText {
  readonly size: number;
  /** In characters. */
  readonly length: number;
  /** Where the text begins in its block. */
  readonly #start: number;
  #block: Buffer | undefined;
  /** The text once it has no block. */
  #text: string | undefined;
  #isKept = false;
  #isReleased = false;
  #readers = 0;
  #holders = 0;

  /** @param block of this text alone, with its bytes from `start` on */
  constructor(block: Buffer, size: number, length: number, start = 0) {
    this.#block = block;
    this.#start = start;
    this.size = size;
    this.length = length;
  }

  /** @returns undefined for a text that is not well-formed, because UTF-8 cannot encode it */
  static of(text: string): LongText | undefined {
    return ascii(text) ?? unicode(text);
  }

  /** Joins the parts. @param parts in ASCII */
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
    // For ASCII this takes half the time.
    return bytes.toString(this.size === this.length ? "latin1" : "utf8");
  }

  /** For a store that keeps the text. @returns this text, or a copy if another store keeps it, because each releases its own */
  keep(): LongText {
    const kept = this.#isKept ? this.#copied() : this;
    kept.#isKept = true;
    return kept;
  }

  /** For a reader of the store that keeps the text; the reader can read it for as long as it likes. */
  lend(): LongText {
    this.#readers += 1;
    return this;
  }

  /** The reader is done with the text, so that releasing it costs nothing. To be called once for each time that it was lent. */
  giveBack(): void {
    this.#readers -= 1;
  }

  /** The store no longer keeps the text, and its block is reused once nobody holds it. */
  release(): void {
    this.#isReleased = true;
    this.#recycle();
  }

  /** Turns it into a string so that its block can be reused, unless a store keeps it. */
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
  // Looking for other characters first would take longer than writing it.
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
