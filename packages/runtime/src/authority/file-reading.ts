import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { ArcpError } from "@arcp/core";
import {
  type FileAccess,
  heldPath,
  isAt,
  leadsAway,
  type Opened,
  openCovered,
  unlessMissing,
} from "./covered-path.ts";

export interface DirectoryEntry {
  readonly name: string;
  /** Links are not followed. */
  readonly kind: "file" | "directory" | "link" | "other";
}

export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * Opens a regular file. The caller closes the handle.
 *
 * @throws ArcpError the guard's refusal; `PERMISSION_DENIED` also if the real location is not covered (R-9.2-7); `INVALID_REQUEST`
 *   if it is not a regular file. For a covered path, the system's error, e.g. `ENOENT`.
 */
export async function openForReading(access: FileAccess, path: string): Promise<FileHandle> {
  const { handle } = await openHere(access, path);
  try {
    if ((await handle.stat()).isFile()) return handle;
    throw new ArcpError("INVALID_REQUEST", `${path} is not a regular file`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Lists a directory, in no particular order. @throws as {@link openForReading}, `ENOTDIR` for a file */
export async function listDirectory(
  access: FileAccess,
  path: string,
): Promise<readonly DirectoryEntry[]> {
  const { handle, location } = await openHere(access, path, constants.O_DIRECTORY);
  try {
    const held = await readdir(heldPath(handle), { withFileTypes: true }).catch(unlessMissing);
    const entries = held ?? (await readdir(location, { withFileTypes: true }));
    if (held === undefined && !(await isAt(handle, location))) {
      throw leadsAway(access, path);
    }
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isSymbolicLink() ? "link" : kindOf(entry),
    }));
  } finally {
    await handle.close();
  }
}

/** Describes what is at a path that the job may read. @throws as {@link openForReading} */
export async function statFile(access: FileAccess, path: string): Promise<FileStatus> {
  const { handle } = await openHere(access, path);
  try {
    const status = await handle.stat();
    return { kind: kindOf(status), size: status.size, modifiedAt: status.mtimeMs };
  } finally {
    await handle.close();
  }
}

function openHere(access: FileAccess, path: string, flags = 0): Promise<Opened> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  // Without O_NONBLOCK, opening a pipe waits for its writer, possibly for ever.
  const all = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags;
  return openCovered(access, path, (location) => open(location, all));
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FileStatus["kind"] {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}
