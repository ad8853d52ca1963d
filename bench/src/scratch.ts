import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Beside this package, since a system's own temporary directory is often in memory. */
const PLACE = join(import.meta.dirname, "../node_modules/.cache/bench");

/** Linux's types of in-memory file systems: tmpfs and ramfs. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/** A directory on a disk for the files of one run. It is removed with the run, even if the bench is interrupted. */
export class Scratch implements Disposable {
  readonly directory: string;
  readonly #remove = (): void => rmSync(this.directory, { recursive: true, force: true });

  /** @throws Error if the place is in memory, where writes cost nothing and survive nothing */
  constructor(place: string = PLACE) {
    mkdirSync(place, { recursive: true });
    if (IN_MEMORY.includes(statfsSync(place).type)) {
      throw new Error(`${place} is in memory: a durable store must be measured on a disk`);
    }
    this.directory = mkdtempSync(join(place, "run-"));
    process.once("exit", this.#remove);
  }

  /** A directory of its own for each call. */
  subdirectory(): string {
    return mkdtempSync(join(this.directory, "server-"));
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}
