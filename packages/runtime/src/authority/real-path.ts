import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { ArcpError } from "@arcp/core";
import type { Glob } from "./glob.ts";
import type { Guard } from "./guard.ts";
import type { CompiledLease } from "./lease.ts";
import { locate } from "./location.ts";
import { canonicalPath, literalPrefix, withLiteralPrefix } from "./path.ts";

// How a job reads files. A path is checked three times, each time against something harder to forge:
//
//   1. as it is asked for, made canonical, before the disk is touched;
//   2. where it really is, every symbolic link followed;
//   3. what was opened, since a link may have been put in the way after (2).
//
// F1  What is not covered is refused in the same way whether it exists or not.
// F2  Nothing is read from a file that was opened elsewhere than where it was checked.

/** The authority with which a job reads files. */
export interface ReadAccess {
  readonly guard: Guard;
  readonly lease: CompiledLease;
  /** The lease's `fs.read` patterns where they really are, from {@link resolvePatternPrefixes}. */
  readonly realPatterns: readonly Glob[];
}

export interface DirectoryEntry {
  readonly name: string;
  /** A link is not followed. */
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
 * Moves path patterns to where their literal beginnings really are. Done once, when the job is accepted: a lease on a
 * path below a link then covers what is behind the link at that moment, and no link that is made later.
 */
export async function resolvePatternPrefixes(patterns: readonly Glob[]): Promise<readonly Glob[]> {
  const resolved = await Promise.all(
    patterns.map(async (glob) => {
      const prefix = literalPrefix(glob);
      if (prefix === undefined) return glob;
      const location = await locate(prefix);
      return location === undefined ? undefined : withLiteralPrefix(glob, location);
    }),
  );
  return resolved.filter((glob) => glob !== undefined);
}

/**
 * Opens a regular file. The caller closes the handle.
 *
 * @throws ArcpError what the guard says; `PERMISSION_DENIED` also when the real location is not covered (R-9.2-7);
 *   `INVALID_REQUEST` when it is not a regular file. What is covered fails as the system does, e.g. with `ENOENT`.
 */
export async function openForReading(access: ReadAccess, path: string): Promise<FileHandle> {
  const { handle } = await openCovered(access, path);
  try {
    if ((await handle.stat()).isFile()) return handle;
    throw new ArcpError("INVALID_REQUEST", `${path} is not a regular file`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What a directory holds, in no particular order. @throws as {@link openForReading}, `ENOTDIR` for a file */
export async function listDirectory(
  access: ReadAccess,
  path: string,
): Promise<readonly DirectoryEntry[]> {
  const { handle, location } = await openCovered(access, path, constants.O_DIRECTORY);
  try {
    const held = await readdir(heldPath(handle), { withFileTypes: true }).catch(unlessMissing);
    const entries = held ?? (await readdir(location, { withFileTypes: true }));
    if (held === undefined && !(await isAt(handle, location))) {
      throw leadsAway(access.guard, path);
    }
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isSymbolicLink() ? "link" : kindOf(entry),
    }));
  } finally {
    await handle.close();
  }
}

/** What is at a path that the job may read. @throws as {@link openForReading} */
export async function statFile(access: ReadAccess, path: string): Promise<FileStatus> {
  const { handle } = await openCovered(access, path);
  try {
    const status = await handle.stat();
    return { kind: kindOf(status), size: status.size, modifiedAt: status.mtimeMs };
  } finally {
    await handle.close();
  }
}

/** How often to try again when something moved between the check and the opening. */
const ATTEMPTS = 5;

interface Opened {
  readonly handle: FileHandle;
  /** Where it really is; covered. */
  readonly location: string;
}

async function openCovered(
  { guard, lease, realPatterns }: ReadAccess,
  path: string,
  flags = 0,
): Promise<Opened> {
  const canonical = canonicalPath(path, lease.workspace);
  const target = canonical.ok ? canonical.path : path;
  const refusal = guard.check("fs.read", target);
  if (refusal !== undefined) throw refusal;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const location = await locate(target);
    const late = guard.check("fs.read", target);
    if (late !== undefined) throw late;
    if (location === undefined || !realPatterns.some((glob) => glob.matches(location))) break;
    const handle = await openHere(location, flags, target);
    if (handle === undefined) continue;
    // A look that fails proves nothing.
    if (await isAt(handle, location).catch(() => false)) return { handle, location };
    await handle.close();
  }
  throw leadsAway(guard, target);
}

/** Names the path that was asked for: where it leads is not the job's to know. */
function leadsAway(guard: Guard, path: string): ArcpError {
  return guard.denied("fs.read", `the real location of ${path}`);
}

/** @returns undefined when opening failed and `target` has moved away from `location`, which may be why */
async function openHere(
  location: string,
  flags: number,
  target: string,
): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    // Without O_NONBLOCK the opening of a pipe waits for its writer, for ever if need be.
    return await open(location, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags);
  } catch (error) {
    if ((await locate(target)) === location) throw error;
    return undefined;
  }
}

/**
 * F2. Where the kernel tells what a descriptor stands for, that is the answer. Elsewhere `location` must still be free of
 * links and be the very file that was opened, which a link that is swapped to and fro often enough could still defeat.
 */
async function isAt(handle: FileHandle, location: string): Promise<boolean> {
  const held = await readlink(heldPath(handle)).catch(unlessMissing);
  if (held !== undefined) return held === location;
  const opened = await handle.stat({ bigint: true });
  const there = await lstat(location, { bigint: true }).catch(unlessMissing);
  if (there === undefined || there.dev !== opened.dev || there.ino !== opened.ino) return false;
  return (await locate(location)) === location;
}

/** The name under which Linux shows an open file. */
function heldPath(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FileStatus["kind"] {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}
