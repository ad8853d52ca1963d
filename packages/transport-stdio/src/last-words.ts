/** How many bytes are kept. */
const KEPT = 8 * 1024;
/** How many lines of them are shown: an uncaught error prints more than ten after the one that says what it was. */
const LINES = 20;

/** Keeps the end of what a process wrote to its standard error, however much that was. */
export class LastWords {
  #tail = Buffer.alloc(0);
  #cut = false;

  add(chunk: Buffer): void {
    this.#cut ||= this.#tail.length + chunk.length > KEPT;
    const rest = chunk.length < KEPT ? this.#tail : Buffer.alloc(0);
    this.#tail = Buffer.concat([rest, chunk.subarray(-KEPT)]).subarray(-KEPT);
  }

  /** The last lines; empty if it wrote nothing. */
  toString(): string {
    const lines = this.#tail.toString().split("\n");
    // Once text was cut off, the rest begins in the middle of a line.
    if (this.#cut && lines.length > 1) lines.shift();
    return lines.join("\n").trimEnd().split("\n").slice(-LINES).join("\n");
  }
}
