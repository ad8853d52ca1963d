import { inspect } from "node:util";
import { SecretIndex, type Span } from "./secret-index.ts";

const REDACTED = "[redacted]";

/**
 * The secret values that a job, its parent and its children have had in this process: whatever their agents say, none of
 * them gets out (P4, R-9.8-10).
 */
export class Secrets {
  readonly #index = new SecretIndex();

  /** Whether there are any. */
  get any(): boolean {
    return !this.#index.isEmpty;
  }

  add(value: string): void {
    this.#index.add(value);
  }

  /** The text without them, and without what is left of one where `clip` has cut it. Bearer tokens look the same in JSON. */
  clean(text: string): string {
    return redacted(text, this.#index.find(text).spans);
  }

  /** A text that goes on: what is settled of it, without them, and the end with which one of them may begin. */
  settled(text: string): { readonly clean: string; readonly open: string } {
    const { spans, open } = this.#index.find(text);
    // What is whole may be the beginning of a longer one, whose rest would be left.
    if (!spans.some(({ from, to }) => from < open && open < to)) {
      const before = spans.filter(({ to }) => to <= open);
      return { clean: redacted(text.slice(0, open), before), open: text.slice(open) };
    }
    // It ends within one that is whole.
    const whole = redacted(text, spans);
    const end = this.#index.find(whole).open;
    return { clean: whole.slice(0, end), open: whole.slice(end) };
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

function redacted(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let [told, end] = ["", 0];
  for (const { from, to } of spans) {
    told += text.slice(end, from) + REDACTED;
    end = to;
  }
  return told + text.slice(end);
}
