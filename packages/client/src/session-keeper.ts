import { type Clock, LocalError } from "@arcp/core";
import { unlessAborted } from "./unless-aborted.ts";

/**
 * Persists something that changes. There is never more than one write at a time; each stores the state as of its beginning, and
 * all calls during a write share the next one. Nobody waits for ever: a write that does not settle is awaited only until its
 * timeout, though no other write begins until it does.
 */
export class SessionKeeper {
  readonly #write: () => Promise<void> | void;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #over = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** @param timeout how long a caller waits, in ms */
  constructor(write: () => Promise<void> | void, clock: Clock, timeout: number) {
    this.#write = write;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /**
   * Resolves once the state as of this call is written. Rejects if the write does, after {@link stop}, and with a LocalError
   * `REQUEST_TIMEOUT` if it takes too long.
   */
  keep(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#inTime(this.#next, this.#over.signal);
  }

  /** Rejects the calls of {@link keep} that wait, and all later ones. */
  stop(error: Error): void {
    this.#over.abort(error);
  }

  /** Resolves once nothing is being written; rejects if that takes too long. */
  settled(): Promise<void> {
    return this.#inTime((this.#next ?? this.#running).catch(() => {}));
  }

  async #begin(): Promise<void> {
    await this.#running.catch(() => {});
    this.#next = undefined;
    this.#running = Promise.resolve(this.#write());
    await this.#running;
  }

  async #inTime(writing: Promise<void>, ...over: readonly AbortSignal[]): Promise<void> {
    const late = new AbortController();
    const message = `persist did not settle within ${this.#timeout} ms`;
    const timer = this.#clock.after(this.#timeout, () => {
      late.abort(new LocalError("REQUEST_TIMEOUT", message));
    });
    try {
      await unlessAborted(writing, AbortSignal.any([late.signal, ...over]));
    } finally {
      timer.cancel();
    }
  }
}
