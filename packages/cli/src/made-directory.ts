import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a directory, and those above it, unless it is there. As the `recursive` of Node's `mkdir`, which never returns, and takes
 * a thread along, where a file system says of a new directory that the one above it were missing: below `/proc`.
 *
 * @param mode of what is made
 * @throws what the file system says
 */
export async function makeDirectory(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const above = dirname(path);
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing && above !== path) {
      await makeDirectory(above, mode);
      // What somebody else makes meanwhile is as good.
      await mkdir(path, { mode }).catch((again) => mustBeDirectory(path, again));
    } else {
      await mustBeDirectory(path, error);
    }
  }
}

async function mustBeDirectory(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw error;
}
