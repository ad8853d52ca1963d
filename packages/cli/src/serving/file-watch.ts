import { type FSWatcher, watch } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock, Timer } from "@arcp/core";

/** Milliseconds without a change after which a burst of them is over. An editor writes a file in several steps. */
const SETTLED = 50;

/** Tells when one of some files changed, came or went. Their directories are watched, for editors replace files. */
export class FileWatch implements Disposable {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #directories = new Map<string, FSWatcher>();
  #files: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** These from now on, by their absolute paths. A directory that is not there is not watched. */
  watch(files: ReadonlySet<string>): void {
    this.#files = files;
    const wanted = new Set([...files].map((file) => dirname(file)));
    for (const [directory, watcher] of this.#directories) {
      if (wanted.delete(directory)) continue;
      watcher.close();
      this.#directories.delete(directory);
    }
    for (const directory of wanted) this.#open(directory);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const watcher of this.#directories.values()) watcher.close();
    this.#directories.clear();
  }

  #open(directory: string): void {
    try {
      const watcher = watch(directory, (_event, name) => {
        // Some platforms do not say which file it was.
        if (name === null || this.#files.has(join(directory, name))) this.#settle();
      });
      watcher.on("error", () => this.#close(directory));
      this.#directories.set(directory, watcher);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }

  #close(directory: string): void {
    this.#directories.get(directory)?.close();
    this.#directories.delete(directory);
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(SETTLED, this.#changed);
  }
}
