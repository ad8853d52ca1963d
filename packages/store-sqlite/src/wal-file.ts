import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";

/** A file whose content can be brought to the disk. */
export interface SyncedFile {
  /** Resolves once everything that was written before the call is on the disk. */
  sync(): Promise<void>;
  /** Not while a sync is under way. */
  close(): void;
}

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
      // Of a process that was killed there may be commits that it had not synced; from now on they are told of.
      fsyncSync(this.#descriptor);
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
}
