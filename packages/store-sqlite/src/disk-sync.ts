import { LocalError } from "@arcp/core";

/**
 * Syncs written data to the disk, one sync at a time. Data written during a sync may be too late for it, and is covered by the next
 * one, which all who ask in the meantime share.
 *
 * After a failure nothing is certain: the operating system may have dropped what it could not write, and a later sync would succeed
 * without it. So everybody gets that failure from then on.
 */
export class DiskSync {
  readonly #sync: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: LocalError | undefined;
  readonly #failed = Promise.withResolvers<Error>();

  /** @param sync resolves once everything written before the call is on the disk */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves with the first failure, before anybody else learns of it. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Why nothing can become durable any more. */
  get failure(): LocalError | undefined {
    return this.#failure;
  }

  /**
   * Resolves once everything written before the call is on the disk.
   * @throws LocalError `CLOSED` if that is not certain
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
