import { realpath } from "node:fs/promises";
import { posix, sep, win32 } from "node:path";

// Windows finds files under other names than those that they have. Everywhere else, nothing here applies.

/**
 * Whether Windows would read the path differently than it was compared: `..` after a backslash, a drive, a stream of a file,
 * ignored trailing dots and spaces, or a device, which has its name in every directory and with every extension.
 */
export function isMisread(path: string): boolean {
  return sep === win32.sep && (/[\\:]|[. ](?:\/|$)/.test(path) || DEVICE.test(path));
}

const DEVICE = /\/(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[./]|$)/i;

/**
 * The name that something has in its directory, which may differ from the last one in its path: the case of letters is ignored, and
 * a short name such as `REPORT~1.TXT` can stand for any other.
 *
 * @returns undefined if the last one may be a short name, but the system does not say of what
 */
export async function ownName(path: string): Promise<string | undefined> {
  const name = posix.basename(path);
  if (sep !== win32.sep || isMisread(path)) return name;
  try {
    return win32.basename(await realpath(path)) || name;
  } catch {
    return name.includes("~") ? undefined : name;
  }
}
