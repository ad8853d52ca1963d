import { createHash } from "node:crypto";
import type { Clock, Envelope } from "@arcp/core";

/** Milliseconds that a key is valid after the acceptance; longer while its job is not finished (R-7.2-7). */
export const KEY_LIFETIME = 24 * 60 * 60 * 1000;

/**
 * Until when a key is valid on the monotonic clock, because the wall clock may be set meanwhile.
 * @param at the same in milliseconds since 1970. If the wall clock was set back since the acceptance, that does not extend the time
 */
export function keyedUntil(clock: Clock, at: number): number {
  return clock.monotonic() + Math.min(at - clock.now(), KEY_LIFETIME);
}

/**
 * The identity of a submit for idempotency: the SHA-256, in hex, of its five fields in canonical form. The form ignores the order
 * of keys and, for the fields themselves, the difference between null and absent (R-7.2-2).
 */
export function fingerprint(submit: Envelope<"job.submit">["payload"]): string {
  const { agent, input, lease_request, lease_constraints, max_runtime_sec } = submit;
  const fields = [agent, input, lease_request, lease_constraints, max_runtime_sec];
  return createHash("sha256").update(canonical(fields)).digest("hex");
}

/** Serializes a received JSON value so that all equal values give the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join()}}`;
  }
  // A number out of the range of doubles was parsed as Infinity, which JSON.stringify would turn into null.
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "null");
}

/** Serializes submits with the same key of a principal, each until its outcome is known (R-7.2-5). */
export class KeyedSubmits {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs the task once the earlier ones with this key have settled. Rejects as the task does. */
  async run<T>(principal: string, key: string, task: () => Promise<T>): Promise<T> {
    // The JSON of two different pairs is always different (R-7.2-1).
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
