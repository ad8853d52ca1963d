import { renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LocalError } from "@arcp/core";
import type { Connection } from "./connection.ts";
import { syncFolder } from "./folder-sync.ts";
import type { GroupCommit } from "./group-commit.ts";
import { createPrivately } from "./private-file.ts";

/**
 * Pages copied per step, 4 MiB. The store's own transactions wait during a step, and during the last one until the copy is on the
 * disk, some tenths of a second. With much shorter steps, a store that is written to constantly would outrun its copy.
 */
const STEP = 1000;

/** Files that SQLite keeps beside a database, and treats as part of it. */
const COMPANIONS: readonly string[] = ["-wal", "-shm", "-journal"];

/** The suffix of an incomplete copy. */
const UNFINISHED = ".unfinished";

/**
 * Makes copies of the store while it is in use, with SQLite's own backup on the store's own connection, because nobody else may
 * open the file. Whatever the connection writes meanwhile also goes into the copy, so a copy is always consistent and never has to
 * restart.
 */
export class Backups {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  /** The last copy, after which the next one is made: two of the same name would write to the same file. */
  #last: Promise<unknown> | undefined;
  #closed = false;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  /** The copy gets its name once it is complete, and has it for good when this resolves, even after a power loss. */
  write(path: string): Promise<void> {
    // Made absolute because SQLite would read a URI in a path that begins with `file:`.
    const place = resolve(path);
    const copy = this.#last?.then(() => this.#copy(place)) ?? this.#copy(place);
    const last = copy
      .catch(() => {})
      .then(() => {
        if (this.#last === last) this.#last = undefined;
      });
    this.#last = last;
    return copy;
  }

  /** Aborts the copy in progress, which takes one step. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #copy(place: string): Promise<void> {
    this.#checkOpen();
    this.#checkPlace(place);
    const unfinished = `${place}${UNFINISHED}`;
    rmSync(unfinished, { force: true });
    try {
      createPrivately(unfinished);
      await this.#connection.copyTo(unfinished, STEP, () => this.#checkOpen());
      // Like any read, a copy must contain durable data only (J2). If the disk has failed, that is not certain.
      await this.#group.read(() => {});
      // Companions of a previous file that was not closed properly would be read as part of the copy.
      for (const companion of COMPANIONS) rmSync(`${place}${companion}`, { force: true });
      renameSync(unfinished, place);
      await syncFolder(dirname(place));
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closed || !this.#connection.isOpen)
      throw new LocalError("CLOSED", "the store is closed");
  }

  /** Refuses a path at which the copy would replace or remove the store's own files. */
  #checkPlace(place: string): void {
    const { path } = this.#connection;
    if (path === undefined) return;
    const own = [path, `${path}-wal`].map(fileAt);
    for (const part of ["", UNFINISHED, ...COMPANIONS]) {
      const there = fileAt(`${place}${part}`);
      if (there === undefined) continue;
      if (!own.some((file) => file?.ino === there.ino && file.dev === there.dev)) continue;
      const message = `${place}${part} is the store itself; a backup needs another file`;
      throw new LocalError("MISUSE", message);
    }
  }
}

function fileAt(path: string) {
  return statSync(path, { throwIfNoEntry: false });
}
