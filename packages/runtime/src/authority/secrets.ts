import { inspect } from "node:util";
import { SecretIndex, type Span } from "./secret-index.ts";

const REDACTED = "[redacted]";

/**
 * The secret values that a job and its family have had in this process. Whatever their agents emit, none of these values gets out
 * (P4, R-9.8-10).
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

  /** Redacts the secrets in a text, including the remainder of one that `clip` has cut. Bearer tokens look the same inside JSON. */
  clean(text: string): string {
    return redacted(text, this.#index.find(text).spans);
  }

  /** Redacts a text that will be continued. `clean` is final; `open` is the end of the text, with which a secret may begin. */
  settled(text: string): { readonly clean: string; readonly open: string } {
    const { spans, open } = this.#index.find(text);
    // A complete secret may also be the beginning of a longer one, whose rest must be redacted too.
    if (!spans.some(({ from, to }) => from < open && open < to)) {
      const before = spans.filter(({ to }) => to <= open);
      return { clean: redacted(text.slice(0, open), before), open: text.slice(open) };
    }
    // The open end begins within a complete secret.
    const whole = redacted(text, spans);
    const end = this.#index.find(whole).open;
    return { clean: whole.slice(0, end), open: whole.slice(end) };
  }

  /** Redacts an error before it is logged, because errors often quote the key that was refused. */
  cleanError(error: unknown): unknown {
    return !this.any ? error : this.clean(textOf(error));
  }
}

/** An error as text. The error's class controls how it is shown, and that may throw. */
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
