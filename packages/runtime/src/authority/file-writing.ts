import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { posix } from "node:path";
import { ArcpError } from "@arcp/core";
import {
  type FileAccess,
  heldLocation,
  heldPath,
  openCovered,
  unless,
  unlessMissing,
} from "./covered-path.ts";

// Writing does more harm than reading if something moves between the check and the opening. Hence, besides F1 and F2:
//
// W1  A file is truncated only after the opened file was checked, so a file elsewhere keeps every byte.
// W2  Where the kernel has names for open files, as Linux does, a file is created through its directory, which is opened and
//     checked first, so none is created elsewhere. On other systems, whoever swaps the directory for a link at that very moment can
//     cause an empty file to be created behind it.

/** What happens to an existing file: it is replaced, appended to, or left alone with an `EEXIST`. */
export type WriteFlag = "w" | "a" | "wx";

const FLAGS: Readonly<Record<WriteFlag, number>> = {
  w: 0,
  a: constants.O_APPEND,
  wx: constants.O_EXCL,
};

/**
 * Opens a regular file for writing and creates it if necessary. It is empty, except with `a`. The caller closes the handle.
 *
 * @throws ArcpError as {@link openCovered}; `INVALID_REQUEST` if it is not a regular file. For a covered path, the system's error,
 *   e.g. `ENOENT` without its directory.
 */
export async function openForWriting(
  access: FileAccess,
  path: string,
  flag: WriteFlag,
): Promise<FileHandle> {
  const { handle } = await openCovered(access, path, (location) =>
    openInDirectory(location, FLAGS[flag]),
  );
  try {
    if (!(await handle.stat()).isFile()) {
      throw new ArcpError("INVALID_REQUEST", `${path} is not a regular file`);
    }
    access.guard.authorize(access.capability, path);
    if (flag === "w") await handle.truncate(0);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @returns undefined if the directory has moved */
async function openInDirectory(location: string, flags: number): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const parent = posix.dirname(location);
  const safely = O_NOFOLLOW | O_NONBLOCK;
  const writing = O_WRONLY | safely | flags;
  await using directory = await open(parent, O_RDONLY | O_DIRECTORY | safely);
  const held = await heldLocation(directory);
  if (held !== undefined) {
    if (held !== parent) return undefined;
    const through = `${heldPath(directory)}/${posix.basename(location)}`;
    return await open(through, writing | O_CREAT).catch((error: unknown) => {
      throw renamed(error, through, location);
    });
  }
  const making = writing | O_CREAT | O_EXCL;
  if ((flags & O_EXCL) !== 0) return await open(location, making);
  const there = await open(location, writing).catch(unlessMissing);
  return there ?? (await open(location, making).catch(unless("EEXIST")));
}

/** Rewrites the system's error as if the file had been opened by its own name. */
function renamed(error: unknown, through: string, location: string): unknown {
  if (!(error instanceof Error)) return error;
  const message = error.message.replace(through, () => location);
  return Object.assign(error, { message, path: location });
}
