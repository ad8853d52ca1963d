import { closeSync, fsync, openSync } from "node:fs";

/** Error codes of systems that cannot sync this folder, or do not allow reading it. */
const CANNOT: readonly (string | undefined)[] = ["EACCES", "EINVAL", "ENOTSUP"];

/**
 * Syncs the names in a folder: only then has a renamed file its new name for certain. Does nothing where that does not exist, as on
 * Windows.
 *
 * @throws the system's error if the names may not be on the disk
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    const folder = openSync(path, "r");
    try {
      await synced(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    if (!CANNOT.includes((error as NodeJS.ErrnoException).code)) throw error;
  }
}

function synced(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}
