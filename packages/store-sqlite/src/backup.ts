import { renameSync, rmSync } from "node:fs";
import { LocalError } from "@arcp/core";
import type { Connection } from "./connection.ts";
import { createPrivately } from "./private-file.ts";

/**
 * Pages of one step, 4 MiB. The store's own transactions wait for a step, and for the last one until the copy is on the disk,
 * some tenths of a second. With much shorter steps a store that is written to all the time would outrun its copy.
 */
const STEP = 1000;

/**
 * Copies of the store, made while it is used: by SQLite's own backup on the store's own connection, since nobody else may open
 * the file. What the connection writes meanwhile is written into the copy too, so a copy is never torn and never starts again.
 */
export class Backups {
  readonly #connection: Connection;
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The copy gets its name once it is whole. */
  write(path: string): Promise<void> {
    const copy = this.#copy(path).finally(() => this.#running.delete(copy));
    this.#running.add(copy);
    return copy;
  }

  /** Gives up what is under way, which takes a step. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }

  async #copy(path: string): Promise<void> {
    this.#checkOpen();
    const unfinished = `${path}.unfinished`;
    rmSync(unfinished, { force: true });
    try {
      createPrivately(unfinished);
      await this.#connection.copyTo(unfinished, STEP, () => this.#checkOpen());
      renameSync(unfinished, path);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closed || !this.#connection.isOpen)
      throw new LocalError("CLOSED", "the store is closed");
  }
}
