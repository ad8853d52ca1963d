import type { Sender } from "../sniffer/violation.ts";

/** Frames that a long transcript keeps; the oldest go first. */
const MAX_FRAMES = 1000;
/** Characters of a frame that are kept, and those that a failure shows. */
const MAX_KEPT = 64 * 1024;
const MAX_SHOWN = 400;
/** A string of JSON, or blanks between two tokens. */
const TEXT_OR_BLANKS = /("(?:[^"\\]|\\.)*")|\s+/g;
/** Occurs in every frame with such blanks. */
const BLANK_BESIDE_TOKEN = /[[{,:]\s|\s[\]},:]/;

/** The frames of one connection in both directions, for the reader of a failure. */
export class Transcript {
  readonly #lines: string[] = [];

  /** Writes a frame down. */
  add(sender: Sender, frame: string): void {
    const arrow = sender === "client" ? "->" : "<-";
    // A search need not know how the peer writes its JSON.
    const spaced = frame.startsWith("{") && BLANK_BESIDE_TOKEN.test(frame);
    const text = spaced ? frame.replace(TEXT_OR_BLANKS, "$1") : frame;
    this.#lines.push(`${arrow} ${cut(text, MAX_KEPT)}`);
    if (this.#lines.length > MAX_FRAMES) this.#lines.shift();
  }

  /** A remark between the frames, such as how the connection ended. */
  note(text: string): void {
    this.#lines.push(`-- ${text}`);
  }

  /** The last `count` lines, long ones cut. */
  tail(count: number): string {
    return this.#lines
      .slice(-count)
      .map((line) => cut(line, MAX_SHOWN))
      .join("\n");
  }

  /** All frames, without the blanks between their tokens. */
  toString(): string {
    return this.#lines.join("\n");
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
