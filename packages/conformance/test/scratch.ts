import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test's own, gone once it is disposed of. */
export class Scratch implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "arcp-conformance-"));
  #files = 0;

  /** The path of a file that is not there yet. */
  newFile(): string {
    this.#files += 1;
    return join(this.path, `store-${this.#files}.db`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
