import { isUtf8 } from "node:buffer";
import { unreadableFrame } from "@arcp/core";

const LF = 0x0a;
const BYTE_ORDER_MARK = "\uFEFF";
/** The initial size of the buffer for an incomplete line, in bytes. */
const CAPACITY = 64 * 1024;

/**
 * Splits a stream of bytes into lines, one frame each. Accepts CR LF as a line end too, skips blank lines (R-4.2-3), and keeps no
 * more of a line than its limit. In place of a line that is too long, or not UTF-8, it hands on an unreadable frame and continues
 * with the next line (R-4.2-4).
 */
export class LineReader {
  readonly #limit: number;
  readonly #read: (frame: string) => void;
  /** The beginning of a line whose end has not arrived yet. */
  #begun = Buffer.alloc(0);
  #length = 0;
  /** Whether the rest of a discarded line is being skipped. */
  #skipping = false;
  #first = true;

  /** @param limit the longest line allowed, in bytes, without its end */
  constructor(limit: number, read: (frame: string) => void) {
    this.#limit = limit;
    this.#read = read;
  }

  /** Whether the stream can end here without losing anything. */
  get betweenLines(): boolean {
    return this.#length === 0 && !this.#skipping;
  }

  take(chunk: Buffer): void {
    const end = chunk.lastIndexOf(LF);
    if (end === -1) return this.#keep(chunk);
    let start = 0;
    if (!this.betweenLines) {
      start = chunk.indexOf(LF) + 1;
      this.#keep(chunk.subarray(0, start - 1));
      if (!this.#skipping) this.#line(this.#begun.subarray(0, this.#length));
      this.#drop(false);
    }
    if (start <= end) this.#lines(chunk.subarray(start, end));
    this.#keep(chunk.subarray(end + 1));
  }

  /** Handles whole lines: all at once if nothing can be wrong with any of them. */
  #lines(block: Buffer): void {
    if (block.length <= this.#limit && isUtf8(block)) {
      for (const line of block.toString().split("\n")) this.#hand(line);
      return;
    }
    for (let start = 0; start <= block.length; ) {
      const next = block.indexOf(LF, start);
      const end = next === -1 ? block.length : next;
      this.#line(block.subarray(start, end));
      start = end + 1;
    }
  }

  #line(line: Buffer): void {
    const bytes = line.at(-1) === 0x0d ? line.length - 1 : line.length;
    if (bytes > this.#limit) this.#read(unreadableFrame.tooLong(this.#limit));
    else if (!isUtf8(line)) this.#read(unreadableFrame.notText);
    else this.#hand(line.toString());
  }

  #hand(line: string): void {
    const text = this.#first && line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
    this.#first = false;
    if (/\S/.test(text)) this.#read(text.endsWith("\r") ? text.slice(0, -1) : text);
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#skipping) return;
    const length = this.#length + part.length;
    // The length may include the CR of the line end.
    if (length > this.#limit + 1) {
      this.#read(unreadableFrame.tooLong(this.#limit));
      return this.#drop(true);
    }
    if (length > this.#begun.length) {
      const grown = Buffer.allocUnsafe(Math.max(CAPACITY, 2 * length));
      this.#begun.copy(grown, 0, 0, this.#length);
      this.#begun = grown;
    }
    part.copy(this.#begun, this.#length);
    this.#length = length;
  }

  #drop(skipping: boolean): void {
    if (this.#begun.length > CAPACITY) this.#begun = Buffer.alloc(0);
    this.#length = 0;
    this.#skipping = skipping;
  }
}
