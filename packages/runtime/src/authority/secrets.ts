import { inspect } from "node:util";

const REDACTED = "[redacted]";

/** Characters of a value that give nothing away: most begin with a few that are the same for all. */
const HARMLESS = 4;

/**
 * The secret values that a job, its parent and its children have had in this process: whatever their agents say, none of
 * them gets out (P4, R-9.8-10).
 */
export class Secrets {
  /** The longest first: one may be the beginning of another, whose rest would be left. */
  #values: readonly string[] = [];

  /** Whether there are any. */
  get any(): boolean {
    return this.#values.length > 0;
  }

  add(value: string): void {
    const others = this.#values.filter((other) => other !== value);
    this.#values = [...others, value].sort((a, b) => b.length - a.length);
  }

  /** The text without them. Bearer tokens look the same in JSON. */
  clean(text: string): string {
    let cleaned = text;
    for (const value of this.#values) {
      cleaned = withoutBeginnings(cleaned.replaceAll(value, REDACTED), value);
    }
    return cleaned;
  }

  /** A text that goes on: what is settled of it, without them, and the end with which one of them may begin. */
  settled(text: string): { readonly clean: string; readonly open: string } {
    const [head, open] = this.#parted(text);
    const clean = this.clean(head);
    if (open === "") return { clean, open };
    const whole = this.clean(text);
    // What is whole may be the beginning of a longer one, whose rest would be left.
    const isSettled = !this.#isWithinOne(text, head.length);
    if (isSettled && clean + this.clean(open) === whole) return { clean, open };
    // It ends within one that is whole.
    const [start, end] = this.#parted(whole);
    return { clean: start, open: end };
  }

  /** A text up to the longest beginning of one of them that it ends with, and that. */
  #parted(text: string): readonly [string, string] {
    const begun = this.#values.map((value) => beginningIn(text, value));
    const end = text.length - Math.max(0, ...begun);
    return [text.slice(0, end), text.slice(end)];
  }

  /** Whether one of them stands in a text on both sides of `index`. */
  #isWithinOne(text: string, index: number): boolean {
    return this.#values.some((value) => {
      const from = Math.max(0, index - value.length + 1);
      return text.slice(from, index + value.length - 1).includes(value);
    });
  }

  /** What may be logged of an error: it often quotes the key that was refused. */
  cleanError(error: unknown): unknown {
    return !this.any ? error : this.clean(textOf(error));
  }
}

/** An error as text. How it shows itself is up to who made it, and that may fail too. */
function textOf(error: unknown): string {
  try {
    return inspect(error, { depth: 4 });
  } catch {
    return "an error that cannot be shown";
  }
}

/** The text without what is left of a value where `clip` has cut it: its beginning, in front of the ellipsis. */
function withoutBeginnings(text: string, value: string): string {
  const pieces = text.split("…");
  const last = pieces.pop() ?? "";
  return [...pieces.map((piece) => withoutBeginning(piece, value)), last].join("…");
}

/** The text without the longest beginning of the value that it ends with. */
function withoutBeginning(text: string, value: string): string {
  const length = beginningIn(text, value);
  return length > HARMLESS ? text.slice(0, -length) + REDACTED : text;
}

/** Characters of the longest beginning of the value that a text ends with. Takes no more steps than the text has characters. */
function beginningIn(text: string, value: string): number {
  const last = text.at(-1);
  for (let length = Math.min(text.length, value.length - 1); length > 0; length -= 1) {
    // First, since texts may have any number of ellipses of their own, and values are long.
    if (value[length - 1] !== last) continue;
    if (text.endsWith(value.slice(0, length))) return length;
  }
  return 0;
}
