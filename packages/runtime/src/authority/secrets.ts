import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * The secret values that a job, its parent and its children have had in this process: whatever their agents say, none of
 * them gets out (P4, R-9.8-10).
 */
export class Secrets {
  readonly #values = new Set<string>();

  /** Whether there are any. */
  get any(): boolean {
    return this.#values.size > 0;
  }

  add(value: string): void {
    this.#values.add(value);
  }

  /** The text without them. Bearer tokens look the same in JSON. */
  clean(text: string): string {
    let cleaned = text;
    for (const value of this.#values) cleaned = cleaned.replaceAll(value, REDACTED);
    return cleaned;
  }

  /** What may be logged of an error: it often quotes the key that was refused. */
  cleanError(error: unknown): unknown {
    return !this.any ? error : this.clean(inspect(error, { depth: 4 }));
  }
}
