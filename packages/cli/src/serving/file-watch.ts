import { existsSync, type FSWatcher, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock, Timer } from "@arcp/core";

/** Milliseconds without a change after which a burst of changes is over. An editor writes a file in several steps. */
const SETTLED = 50;

/** Directories that the system does not let us watch, and what could be done about it. */
export interface Unwatched {
  readonly directories: readonly string[];
  readonly why: string;
}

/** Tells when any of some files changed, appeared or went. It watches their directories, because editors replace files. */
export class FileWatch implements Disposable {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #directories = new Map<string, FSWatcher>();
  #awaited: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /**
   * Watches these files from now on, by their absolute paths. For a directory that does not exist, it watches the nearest one
   * above.
   *
   * @returns what cannot be watched; undefined if everything can
   */
  watch(files: ReadonlySet<string>): Unwatched | undefined {
    const awaited = new Set<string>();
    const wanted = new Set<string>();
    for (const file of files) {
      let place = file;
      do {
        awaited.add(place);
        place = dirname(place);
      } while (!existsSync(place));
      wanted.add(place);
    }
    this.#awaited = awaited;
    for (const directory of this.#directories.keys()) {
      if (!wanted.delete(directory)) this.#close(directory);
    }
    const failures = new Map<string, unknown>();
    for (const directory of wanted) {
      try {
        this.#open(directory);
      } catch (error) {
        failures.set(directory, error);
      }
    }
    const [first] = failures.values();
    return first === undefined ? undefined : { directories: [...failures.keys()], why: why(first) };
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const directory of this.#directories.keys()) this.#close(directory);
  }

  #open(directory: string): void {
    const watcher = watch(directory, (_event, name) => {
      // The directory itself is gone. Whatever takes its place is another one.
      const isGone = name === basename(directory);
      if (isGone) this.#close(directory);
      // Some platforms do not say which file changed.
      if (isGone || name === null || this.#awaited.has(join(directory, name))) this.#settle();
    });
    watcher.on("error", () => this.#close(directory));
    this.#directories.set(directory, watcher);
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

function why(error: unknown): string {
  switch (error instanceof Error && "code" in error && error.code) {
    case "ENOSPC":
      return "the system has no watches left (ENOSPC): raise fs.inotify.max_user_watches";
    case "EMFILE":
      return "too much is open or watched (EMFILE): raise `ulimit -n` or fs.inotify.max_user_instances";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
