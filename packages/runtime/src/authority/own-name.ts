import { realpath } from "node:fs/promises";
import { posix, sep, win32 } from "node:path";
import { isMisread } from "./windows-name.ts";

/**
 * The name that something has in its directory, which may differ from the last one in its path: Windows and macOS find a name in
 * another case, macOS also with accents in another form, and on Windows a short name such as `REPORT~1.TXT` can stand for any other.
 *
 * @returns undefined if the last one may be a short name, but the system does not say of what
 */
export async function ownName(path: string): Promise<string | undefined> {
  const name = posix.basename(path);
  const isWindows = sep === win32.sep;
  if (isWindows ? isMisread(path) : process.platform !== "darwin") return name;
  try {
    const own = (isWindows ? win32 : posix).basename(await realpath(path)) || name;
    // Of the names of one file, macOS may tell another than this one. That is a hard link.
    return isWindows || isSpelling(own, name) ? own : name;
  } catch {
    return isWindows && name.includes("~") ? undefined : name;
  }
}

function isSpelling(one: string, other: string): boolean {
  return folded(one) === folded(other);
}

/** In upper case, which more letters share: the long s has the same as the short one. */
function folded(name: string): string {
  return name.normalize().toUpperCase().normalize();
}
