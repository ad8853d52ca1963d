import { createHash } from "node:crypto";
import type { Clock, Envelope } from "@arcp/core";

/** Milliseconds that a key holds after the acceptance, and longer while its job is not finished (R-7.2-7). */
export const KEY_LIFETIME = 24 * 60 * 60 * 1000;

/**
 * Until when a key holds, by the monotonic clock: the wall clock may be set meanwhile.
 * @param at the same in milliseconds since 1970; what the wall clock was set back by since the acceptance is not waited for
 */
export function keyedUntil(clock: Clock, at: number): number {
  return clock.monotonic() + Math.min(at - clock.now(), KEY_LIFETIME);
}

/**
 * What two submits have to agree on to count as the same: SHA-256, in hex, of the five fields, in a form that knows
 * neither the order of keys nor, for the fields themselves, null from absent (R-7.2-2).
 */
export function fingerprint(submit: Envelope<"job.submit">["payload"]): string {
  const { agent, input, lease_request, lease_constraints, max_runtime_sec } = submit;
  const fields = [agent, input, lease_request, lease_constraints, max_runtime_sec];
  return createHash("sha256").update(canonical(fields)).digest("hex");
}

/** A received JSON value as the one text that all equal values have. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join()}}`;
  }
  // A number beyond the range of doubles was read as infinite, which JSON.stringify would take for null.
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "null");
}

/** Takes submits that use the same key of a principal one after the other, each to its outcome (R-7.2-5). */
export class KeyedSubmits {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs the task when the earlier ones of this very pair have succeeded or failed; fails as the task does. */
  async run<T>(principal: string, key: string, task: () => Promise<T>): Promise<T> {
    // No pair of strings looks like another one (R-7.2-1).
    const pair = JSON.stringify([principal, key]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last.get(pair);
    this.#last.set(pair, promise);
    try {
      await before;
      return await task();
    } finally {
      resolve();
      if (this.#last.get(pair) === promise) this.#last.delete(pair);
    }
  }
}
