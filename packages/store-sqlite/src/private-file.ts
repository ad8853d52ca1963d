import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";

/**
 * Creates a file that only its owner can access, because it holds what agents saw. An existing file keeps its mode and is not
 * touched.
 *
 * @throws the system's error if it cannot be created, or read and written
 */
export function createPrivately(place: string): void {
  try {
    closeSync(openSync(place, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    // Reached for a link to a missing file, too. An existing file must not be opened: closing it would release our own locks on it.
    if (statSync(place, { throwIfNoEntry: false }) === undefined)
      closeSync(openSync(place, "a", 0o600));
    if (statSync(place).isDirectory())
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    // For an inaccessible file SQLite would only report an I/O error, as for a failing disk.
    accessSync(place, constants.R_OK | constants.W_OK);
  }
}
