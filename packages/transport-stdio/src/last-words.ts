/** The bytes that are kept. */
const KEPT = 8 * 1024;
/** The lines that are told of them: an error that nobody caught has more than ten behind the one that says what it was. */
const LINES = 20;

/** The end of what a process wrote to its standard error, however much that was. */
export class LastWords {
  #tail = Buffer.alloc(0);
  #cut = false;

  add(chunk: Buffer): void {
    this.#cut ||= this.#tail.length + chunk.length > KEPT;
    const rest = chunk.length < KEPT ? this.#tail : Buffer.alloc(0);
    this.#tail = Buffer.concat([rest, chunk.subarray(-KEPT)]).subarray(-KEPT);
  }

  /** Its last lines; empty when it said nothing. */
  toString(): string {
    const lines = this.#tail.toString().split("\n");
    // What was cut begins somewhere within a line.
    if (this.#cut && lines.length > 1) lines.shift();
    return lines.join("\n").trimEnd().split("\n").slice(-LINES).join("\n");
  }
}
