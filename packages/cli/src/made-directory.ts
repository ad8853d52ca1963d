import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Creates a directory and its missing parents. Node's own `mkdir` with `recursive` never returns, and keeps a thread busy, where a
 * file system says of a new directory that its parent is missing, as below `/proc`.
 *
 * @param mode of what is created
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
      // A directory that somebody else creates meanwhile is just as good.
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
