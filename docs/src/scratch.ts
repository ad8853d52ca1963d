import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./repository.ts";

/** A folder for programs, inside of a package in which their imports resolve; gone once it is disposed of. */
export class Scratch implements Disposable {
  readonly path: string;

  constructor(within = join(root, "docs/dist")) {
    mkdirSync(within, { recursive: true });
    this.path = mkdtempSync(join(within, "scratch-"));
  }

  /** @returns the whole path */
  write(file: string, text: string): string {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
