/**
 * Writes one thing that changes: never twice at a time, and always as it is when a write begins. Whoever asks meanwhile
 * shares the next write.
 */
export class SessionKeeper {
  readonly #write: () => Promise<void> | void;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(write: () => Promise<void> | void) {
    this.#write = write;
  }

  /** Resolves once everything up to this call is written; rejects as the write does. */
  keep(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  /** Resolves once nothing is being written. */
  async settled(): Promise<void> {
    await (this.#next ?? this.#running).catch(() => {});
  }

  async #begin(): Promise<void> {
    await this.#running.catch(() => {});
    this.#next = undefined;
    this.#running = Promise.resolve(this.#write());
    await this.#running;
  }
}
