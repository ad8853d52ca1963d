import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";

/**
 * A new file is its owner's alone: it holds what agents saw. An old one keeps its mode, and is not touched.
 *
 * @throws what the system says when it cannot be made, or read and written
 */
export function createPrivately(place: string): void {
  try {
    closeSync(openSync(place, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    // A link to where nothing is yet. What is there is not opened: closing it would give up our own locks on it.
    if (statSync(place, { throwIfNoEntry: false }) === undefined)
      closeSync(openSync(place, "a", 0o600));
    if (statSync(place).isDirectory())
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    // SQLite would say of it that there was an I/O error, as of a disk that fails.
    accessSync(place, constants.R_OK | constants.W_OK);
  }
}
