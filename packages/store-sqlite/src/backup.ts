import { renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LocalError } from "@arcp/core";
import type { Connection } from "./connection.ts";
import { syncFolder } from "./folder-sync.ts";
import type { GroupCommit } from "./group-commit.ts";
import { createPrivately } from "./private-file.ts";

/**
 * Pages of one step, 4 MiB. The store's own transactions wait for a step, and for the last one until the copy is on the disk,
 * some tenths of a second. With much shorter steps a store that is written to all the time would outrun its copy.
 */
const STEP = 1000;

/** Files that SQLite keeps beside a database, and takes for a part of it. */
const COMPANIONS: readonly string[] = ["-wal", "-shm", "-journal"];

/** Ends the name of a copy that is not whole yet. */
const UNFINISHED = ".unfinished";

/**
 * Copies of the store, made while it is used: by SQLite's own backup on the store's own connection, since nobody else may open
 * the file. What the connection writes meanwhile is written into the copy too, so a copy is never torn and never starts again.
 */
export class Backups {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  /** One after the other: two of one name would write into the same file. */
  #last: Promise<unknown> | undefined;
  #closed = false;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  /** The copy gets its name once it is whole, and has it for good when this resolves, also after a loss of power. */
  write(path: string): Promise<void> {
    // SQLite would read a URI in what begins with `file:`.
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

  /** Gives up what is under way, which takes a step. */
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
      // A copy tells what it was made of, as any read does (J2). When the disk failed, nobody knows what that was.
      await this.#group.read(() => {});
      // Those of the file that was there before, whose user did not close it, would be read into the copy.
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

  /** A file that goes on being written to is in the way: replaced by the copy, or removed for it. */
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
