import type { EncodedText } from "@arcp/core";
import { blocks } from "./blocks.ts";

/** Bytes that tell a text that is not ASCII from one that is: the longest character takes as many. */
const MARGIN = 4;

const encoder = new TextEncoder();

/**
 * A long text as UTF-8 in a block outside of the heap, where the garbage collector never copies it. A store that keeps it lends it
 * to its readers, and releases the block when it keeps the text no longer: what was lent by then and not given back becomes a
 * string, so that nobody ever reads what is written into the block afterwards.
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
  #readers = 0;

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

  copy(target: Uint8Array, at: number): void {
    const start = this.#start;
    if (this.#block !== undefined) this.#block.copy(target, at, start, start + this.size);
    else encoder.encodeInto(this.toString(), target.subarray(at));
  }

  toString(): string {
    if (this.#text !== undefined) return this.#text;
    if (this.#block === undefined) throw new Error("a text was read after it had been given back");
    // Half the time where it is ASCII.
    const encoding = this.size === this.length ? "latin1" : "utf8";
    return this.#block.toString(encoding, this.#start, this.#start + this.size);
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

  /** The store keeps it no longer, and its block is used again. */
  release(): void {
    if (this.#readers > 0) this.#text = this.toString();
    if (this.#block !== undefined) blocks.give(this.#block);
    this.#block = undefined;
  }

  /** Becomes a string, so that its block is used again, unless a store keeps it. */
  toOwnString(): string {
    this.#text ??= this.toString();
    if (!this.#isKept) this.release();
    return this.#text;
  }

  #copied(): LongText {
    const block = blocks.take(this.size);
    this.copy(block, 0);
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
