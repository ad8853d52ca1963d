import { type FileHandle, lstat, readlink } from "node:fs/promises";
import { sep } from "node:path";
import type { ArcpError } from "@arcp/core";
import { type Glob, isCovered } from "./glob.ts";
import type { Guard } from "./guard.ts";
import type { CompiledLease } from "./lease.ts";
import { locate, lookingOnce } from "./location.ts";
import { canonicalPath, literalPrefix, withLiteralPrefix } from "./path.ts";

// How a job reaches files. A path is checked three times, each time against something harder to forge:
//
//   1. as it is asked for, made canonical, before the disk is touched;
//   2. where it really is, every symbolic link followed;
//   3. what was opened, since a link may have been put in the way after (2).
//
// F1  What is not covered is refused in the same way whether it exists or not.
// F2  Nothing is read from, and nothing written to, a file that was opened elsewhere than where it was checked.

/** Where the path patterns of a lease lead. */
export interface Reach {
  /** The patterns where they really are, from {@link resolvePatternPrefixes}. */
  readonly realPatterns: readonly Glob[];
  /**
   * That of the lease under which this one was delegated, and which bounds it: a pattern that names a link is within one that
   * does not follow it, but what is behind the link is not (R-9.4-1).
   */
  readonly within?: Reach | undefined;
}

/** The authority with which a job reaches files. */
export interface FileAccess extends Reach {
  readonly capability: "fs.read" | "fs.write";
  readonly guard: Guard;
  readonly lease: CompiledLease;
}

/**
 * Moves path patterns to where their literal beginnings really are. Done once, when the job is accepted: a lease on a
 * path below a link then covers what is behind the link at that moment, and no link that is made later.
 */
export async function resolvePatternPrefixes(patterns: readonly Glob[]): Promise<readonly Glob[]> {
  const look = lookingOnce();
  const resolved = await Promise.all(
    patterns.map(async (glob) => {
      const prefix = literalPrefix(glob);
      if (prefix === undefined) return glob;
      const location = await locate(prefix, look);
      return location === undefined ? undefined : withLiteralPrefix(glob, location);
    }),
  );
  return resolved.filter((glob) => glob !== undefined);
}

/** What was opened, and where it really is, which is covered. The caller closes the handle. */
export interface Opened {
  readonly handle: FileHandle;
  readonly location: string;
}

/** How often to try again when something moved between the check and the opening. */
const ATTEMPTS = 5;

/**
 * Opens what a path leads to, if the job may.
 *
 * @param open opens a location that is free of links, without following one there; undefined when that has moved away
 * @throws ArcpError what the guard says, `PERMISSION_DENIED` also when the real location is not covered (R-9.2-7); what
 *   `open` throws
 */
export async function openCovered(
  access: FileAccess,
  path: string,
  open: (location: string) => Promise<FileHandle | undefined>,
): Promise<Opened> {
  const { capability, guard, lease } = access;
  // What is no text is the guard's to refuse: agents hand on what clients send.
  const canonical = typeof path === "string" ? canonicalPath(path, lease.workspace) : undefined;
  const target = canonical?.ok ? canonical.path : path;
  const refusal = guard.check(capability, target);
  if (refusal !== undefined) throw refusal;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const location = await locate(target);
    const late = guard.check(capability, target);
    if (late !== undefined) throw late;
    if (location === undefined || isMisread(location) || !reaches(access, location)) break;
    const handle = await open(location).catch(async (error: unknown) => {
      // Something that has moved since may be why.
      if ((await locate(target)) === location) throw error;
      return undefined;
    });
    if (handle === undefined) continue;
    // A look that fails proves nothing.
    if (await isAt(handle, location).catch(() => false)) return { handle, location };
    await handle.close();
  }
  throw leadsAway(access, target);
}

/** Whether Windows reads it otherwise than it was compared: as a way up, a drive, a stream of a file, or without its end. */
function isMisread(location: string): boolean {
  return sep === "\\" && /[\\:]|[. ](?:\/|$)/.test(location);
}

function reaches({ realPatterns, within }: Reach, location: string): boolean {
  return isCovered(location, realPatterns) && (within === undefined || reaches(within, location));
}

/** Names the path that was asked for: where it leads is not the job's to know. */
export function leadsAway(
  { capability, guard }: Pick<FileAccess, "capability" | "guard">,
  path: string,
): ArcpError {
  return guard.denied(capability, `the real location of ${path}`);
}

/**
 * F2. Where the kernel tells what a descriptor stands for, that is the answer. Elsewhere `location` must still be free of
 * links and be the very file that was opened, which a link that is swapped to and fro often enough could still defeat.
 */
export async function isAt(handle: FileHandle, location: string): Promise<boolean> {
  const held = await heldLocation(handle);
  if (held !== undefined) return held === location;
  const opened = await handle.stat({ bigint: true });
  const there = await lstat(location, { bigint: true }).catch(unlessMissing);
  if (there === undefined || there.dev !== opened.dev || there.ino !== opened.ino) return false;
  return (await locate(location)) === location;
}

/** Where an open file really is, as Linux tells; undefined elsewhere. */
export function heldLocation(handle: FileHandle): Promise<string | undefined> {
  return readlink(heldPath(handle)).catch(unlessMissing);
}

/** The name under which Linux shows an open file. */
export function heldPath(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

export const unlessMissing = unless("ENOENT");

/** For a `catch`: undefined after an error of this code of the system's. */
export function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === code) return undefined;
    throw error;
  };
}
