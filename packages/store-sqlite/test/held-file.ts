import type { SyncedFile } from "../src/wal-file.ts";

/** A file on a disk that hangs for as long as the test wants. */
export class HeldFile implements SyncedFile {
  /** Syncs that have begun. */
  begun = 0;
  closed = false;
  readonly #held: PromiseWithResolvers<void>[] = [];
  #hangs = true;

  /** Syncs in progress. */
  get held(): number {
    return this.#held.length;
  }

  sync(): Promise<void> {
    this.begun += 1;
    if (!this.#hangs) return Promise.resolve();
    const sync = Promise.withResolvers<void>();
    this.#held.push(sync);
    return sync.promise;
  }

  /** Completes the oldest sync in progress. */
  release(): void {
    this.#held.shift()?.resolve();
  }

  fail(error: Error): void {
    this.#held.shift()?.reject(error);
  }

  /** From now on every sync is held. */
  hang(): void {
    this.#hangs = true;
  }

  /** From now on the disk needs no time. */
  free(): void {
    this.#hangs = false;
    for (const { resolve } of this.#held.splice(0)) resolve();
  }

  close(): void {
    if (this.held > 0) throw new Error("closed in the middle of a sync");
    this.closed = true;
  }
}
