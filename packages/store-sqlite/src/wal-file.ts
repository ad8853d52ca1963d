import { closeSync, fdatasync, fsyncSync, openSync, readSync, writeSync } from "node:fs";

/** A file whose content can be brought to the disk. */
export interface SyncedFile {
  /** Resolves once everything that was written before the call is on the disk. */
  sync(): Promise<void>;
  /** Not while a sync is under way. */
  close(): void;
}

/** Bytes that are written again at a time. */
const PART = 1024 * 1024;

/** That of a database in memory: nothing of it outlives the process. */
export const NO_FILE: SyncedFile = { sync: async () => {}, close: () => {} };

/**
 * The write-ahead log of a database, by a descriptor of our own. A sync is of the file, whoever wrote to it, and SQLite keeps
 * the same one for as long as the connection is open. Its locks are on the database and not on this file, so closing the
 * descriptor gives up none of them.
 */
export class WalFile implements SyncedFile {
  readonly #descriptor: number;

  /** @param path of a log that is there */
  constructor(path: string) {
    // Windows syncs only what may be written to.
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
   * Of a process that ended there may be commits that it had not synced, or could not sync; from now on they are told of. After a
   * sync that failed the system holds pages that the disk has not and that it takes for written. A sync brings them there only
   * when they are written once more.
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
