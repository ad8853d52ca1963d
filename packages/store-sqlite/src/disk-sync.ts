import { LocalError } from "@arcp/core";

/**
 * Brings to the disk what was written, one sync at a time. What is written while one is under way may have come too late for it
 * and is covered by the next one, which everybody shares who asked meanwhile.
 *
 * After a failure nothing is certain any more: the system may have dropped what it could not write, and a later sync would
 * succeed without it. So that failure is the answer to everybody from then on.
 */
export class DiskSync {
  readonly #sync: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: LocalError | undefined;
  readonly #failed = Promise.withResolvers<Error>();

  /** @param sync resolves once what was written before the call is on the disk */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves with the first failure, before anybody is answered by it. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Why nothing can become durable any more. */
  get failure(): LocalError | undefined {
    return this.#failure;
  }

  /**
   * Resolves once what was written before the call is on the disk.
   * @throws LocalError `CLOSED` when that is not certain
   */
  synced(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#current = this.#once();
    return this.#current;
  }

  async #once(): Promise<void> {
    try {
      await this.#sync();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `the store is closed, because what it wrote may not be on disk: ${reason}; open it again`;
      this.#failure = new LocalError("CLOSED", message, { cause });
      this.#failed.resolve(this.#failure);
      throw this.#failure;
    }
    if (this.#next === undefined) this.#current = undefined;
  }
}
