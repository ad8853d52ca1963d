import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder of a test, deleted when disposed of. */
export class Scratch implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "store-sqlite-"));
  #files = 0;

  /** A path at which there is no file yet. */
  newFile(): string {
    this.#files += 1;
    return join(this.path, `store-${this.#files}.db`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
