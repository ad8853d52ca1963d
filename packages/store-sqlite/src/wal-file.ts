import { closeSync, fdatasync, fsyncSync, openSync, readSync, writeSync } from "node:fs";

/** A file that can be synced to the disk. */
export interface SyncedFile {
  /** Resolves once everything written before the call is on the disk. */
  sync(): Promise<void>;
  /** Must not be called during a sync. */
  close(): void;
}

/** Bytes rewritten at a time. */
const PART = 1024 * 1024;

/** Stands in for the log of a database in memory, which does not outlive the process anyway. */
export const NO_FILE: SyncedFile = { sync: async () => {}, close: () => {} };

/**
 * The write-ahead log of a database, opened by a descriptor of our own. A sync covers the whole file, whoever wrote to it, and
 * SQLite keeps the same file while the connection is open. SQLite's locks are on the database and not on this file, so closing the
 * descriptor does not release them.
 */
export class WalFile implements SyncedFile {
  readonly #descriptor: number;

  /** @param path of an existing log */
  constructor(path: string) {
    // Windows can only sync a file opened for writing.
    this.#descriptor = openSync(path, "r+");
    try {
      this.#bringToDisk();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /**
   * An earlier process may have left commits that it had not synced, or failed to sync, and that readers will now see. After a
   * failed sync the operating system may hold pages that it takes for written but that are not on the disk; only rewriting them
   * makes a sync write them.
   */
  #bringToDisk(): void {
    const part = Buffer.allocUnsafe(PART);
    for (let at = 0; ; ) {
      const length = readSync(this.#descriptor, part, 0, PART, at);
      if (length === 0) break;
      at += writeSync(this.#descriptor, part, 0, length, at);
    }
    fsyncSync(this.#descriptor);
  }
}
