import { closeSync, fsync, openSync } from "node:fs";

/** What a system answers that has no sync for this folder, or lets nobody read it. */
const CANNOT: readonly (string | undefined)[] = ["EACCES", "EINVAL", "ENOTSUP"];

/**
 * Brings the names of a folder to the disk: a file that was renamed has its new name for certain only then. Does nothing where
 * there is no such thing, as on Windows.
 *
 * @throws what the system says when the disk may not have them
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
