import { type Clock, LocalError } from "@arcp/core";
import { unlessAborted } from "./unless-aborted.ts";

/**
 * Writes one thing that changes: never twice at a time, and always as it is when a write begins. Whoever asks meanwhile
 * shares the next write. Nobody waits for ever: a write that does not settle is waited for no longer than its time, while
 * no other one begins.
 */
export class SessionKeeper {
  readonly #write: () => Promise<void> | void;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #over = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** @param timeout how long anybody waits, in ms */
  constructor(write: () => Promise<void> | void, clock: Clock, timeout: number) {
    this.#write = write;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /**
   * Resolves once everything up to this call is written; rejects as the write does, when nobody waits any more, and with a
   * LocalError `REQUEST_TIMEOUT` when it takes too long.
   */
  keep(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#inTime(this.#next, this.#over.signal);
  }

  /** Nobody waits any more for what is kept. */
  stop(error: Error): void {
    this.#over.abort(error);
  }

  /** Resolves once nothing is being written; rejects when that takes too long. */
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
