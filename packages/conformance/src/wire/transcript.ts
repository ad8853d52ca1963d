import type { Sender } from "../sniffer/violation.ts";

/** Frames that a long transcript keeps; the oldest go first. */
const MAX_FRAMES = 1000;
/** Characters of a frame that are worth reading in a failure. */
const MAX_SHOWN = 400;

/** The frames of one connection in both directions, for whoever reads a failure. */
export class Transcript {
  readonly #lines: string[] = [];

  add(sender: Sender, frame: string): void {
    const arrow = sender === "client" ? "->" : "<-";
    const text = frame.length > MAX_SHOWN ? `${frame.slice(0, MAX_SHOWN)}…` : frame;
    this.#lines.push(`${arrow} ${text}`);
    if (this.#lines.length > MAX_FRAMES) this.#lines.shift();
  }

  /** A remark between the frames, such as how the connection ended. */
  note(text: string): void {
    this.#lines.push(`-- ${text}`);
  }

  /** @param count lines from the end */
  tail(count: number): string {
    return this.#lines.slice(-count).join("\n");
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}
