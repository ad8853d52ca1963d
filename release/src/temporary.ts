import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory outside the workspace, removed when it is disposed of. */
export class Temporary implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "arcp-release-")));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
