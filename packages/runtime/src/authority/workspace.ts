import { sep, win32 } from "node:path";
import { LocalError } from "@arcp/core";

/** How a system writes paths. */
export interface PathSystem {
  readonly sep: string;
  readonly cwd: () => string;
}

const HERE: PathSystem = { sep, cwd: () => process.cwd() };

/**
 * An operator's directory in the form that paths have in leases. On Windows these are on the current drive, so there `C:\work` is
 * `/work` if `C:` is that drive. Elsewhere it has that form already.
 *
 * @throws LocalError `MISUSE` on Windows, if it is not an absolute path on the current drive
 */
export function workspacePath(directory: string, system: PathSystem = HERE): string {
  if (system.sep !== win32.sep) return directory;
  const path = win32.normalize(directory);
  const { root } = win32.parse(path);
  if (root !== win32.sep && !isSameRoot(root, win32.parse(system.cwd()).root)) {
    throw new LocalError(
      "MISUSE",
      `the workspace must be an absolute path on the current drive, not ${directory}`,
    );
  }
  return `/${path.slice(root.length).replaceAll(win32.sep, "/")}`;
}

function isSameRoot(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
