import { type FileHandle, lstat, readlink } from "node:fs/promises";
import type { ArcpError } from "@arcp/core";
import { type FileCapability, type Reach, reaches } from "./file-reach.ts";
import type { Guard } from "./guard.ts";
import type { CompiledLease } from "./lease.ts";
import { locate } from "./location.ts";
import { canonicalPath } from "./path.ts";
import { isMisread } from "./windows-name.ts";

// How a job accesses files. A path is checked three times, each time against something harder to forge:
//
//   1. the requested path, canonical, before the disk is touched;
//   2. the real location, with every symbolic link followed, and every other name that Windows or macOS has for it;
//   3. the opened file, because a link may have been put in place after (2).
//
// F1  A path that is not covered is refused in the same way whether it exists or not.
// F2  A file that was opened at another location than the one that was checked is neither read nor written.

/** The authority with which a job accesses files. */
export interface FileAccess extends Reach {
  readonly capability: FileCapability;
  readonly guard: Guard;
  readonly lease: CompiledLease;
}

/** An opened file and its real location, which is covered. The caller closes the handle. */
export interface Opened {
  readonly handle: FileHandle;
  readonly location: string;
}

/** How often to try again if something moved between the check and the opening. */
const ATTEMPTS = 5;

/**
 * Opens what a path leads to, if the job may.
 *
 * @param open opens a location that is free of links, without following one there; undefined if the location has changed
 * @throws ArcpError the guard's refusal; `PERMISSION_DENIED` also if the real location is not covered (R-9.2-7); what `open` throws
 */
export async function openCovered(
  access: FileAccess,
  path: string,
  open: (location: string) => Promise<FileHandle | undefined>,
): Promise<Opened> {
  const { capability, guard, lease } = access;
  // The guard refuses anything but strings: agents pass on what clients send.
  const canonical = typeof path === "string" ? canonicalPath(path, lease.workspace) : undefined;
  const target = canonical?.ok ? canonical.path : path;
  guard.authorize(capability, target);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const location = await locate(target);
    guard.authorize(capability, target);
    if (location === undefined || isMisread(location) || !reaches(access, location)) break;
    const handle = await open(location).catch(async (error: unknown) => {
      // The error may only be due to a change of the path since the check.
      if ((await locate(target)) === location) throw error;
      return undefined;
    });
    if (handle === undefined) continue;
    // A failing check proves nothing.
    if (await isAt(handle, location).catch(() => false)) return { handle, location };
    await handle.close();
  }
  throw leadsAway(access, target);
}

/**
 * The refusal for a path that leads out of the lease. It names the requested path, because the job must not learn where that leads.
 */
export function leadsAway(
  { capability, guard }: Pick<FileAccess, "capability" | "guard">,
  path: string,
): ArcpError {
  return guard.denied(capability, `the real location of ${path}`);
}

/**
 * F2. Where the kernel knows the path of a descriptor, that decides. Elsewhere `location` must still be free of links and be the
 *     file that was opened; a link that is swapped back and forth often enough could still defeat this.
 */
export async function isAt(handle: FileHandle, location: string): Promise<boolean> {
  const held = await heldLocation(handle);
  if (held !== undefined) return held === location;
  const opened = await handle.stat({ bigint: true });
  const there = await lstat(location, { bigint: true }).catch(unlessMissing);
  if (there === undefined || there.dev !== opened.dev || there.ino !== opened.ino) return false;
  return (await locate(location)) === location;
}

/** The real location of an open file, according to Linux; undefined elsewhere. */
export function heldLocation(handle: FileHandle): Promise<string | undefined> {
  return readlink(heldPath(handle)).catch(unlessMissing);
}

/** The name under which Linux shows an open file. */
export function heldPath(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

export const unlessMissing = unless("ENOENT");

/** Creates a `catch` handler that returns undefined for a system error with this code. */
export function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === code) return undefined;
    throw error;
  };
}
