import { readlink } from "node:fs/promises";
import { posix } from "node:path";
import { ownName } from "./own-name.ts";

/** The most links that one path may lead through, as in the Linux kernel. */
const MAX_LINKS = 40;

/** What is at an absolute path: a link to `to`, something else, nothing that can be reached, or something under another name. */
type Found = { readonly to: string } | "no link" | "nothing" | "unknown";

/** Looks up an absolute path of which all but the last name are known not to be links. */
export type Look = (path: string) => Promise<Found>;

/**
 * Where an absolute path leads once every symbolic link is followed. Unlike `realpath` it also handles paths that do not exist, and
 * keeps names unchanged that cannot be looked up. So an uncovered path can be refused in the same way whether it exists or not.
 *
 * @returns undefined if the links form a cycle, if there are too many, or if the system does not say what a name stands for
 */
export async function locate(path: string, look: Look = lookUp): Promise<string | undefined> {
  const pending = names(path);
  // All of it has been looked up, so `..` can be applied literally.
  let location = "";
  let links = 0;
  /**
   * The length of a location at which nothing exists. Nothing below it is looked up either, because clients choose how deep a path
   * goes.
   */
  let nothingAt = Number.POSITIVE_INFINITY;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      location = location.slice(0, Math.max(0, location.lastIndexOf("/")));
      if (location.length < nothingAt) nothingAt = Number.POSITIVE_INFINITY;
      continue;
    }
    const next = `${location}/${name}`;
    const found = next.length > nothingAt ? "nothing" : await look(next);
    if (found === "unknown") return undefined;
    if (typeof found === "string") {
      location = next;
      if (found === "nothing") nothingAt = Math.min(nothingAt, next.length);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (found.to.startsWith("/")) location = "";
    pending.push(...names(found.to));
  }
  return location === "" ? "/" : location;
}

/** Looks up each path once: common prefixes of several paths are resolved as of the first lookup. */
export function lookingOnce(look: Look = lookUp): Look {
  const known = new Map<string, Promise<Found>>();
  return (path) => {
    const found = known.get(path) ?? look(path);
    known.set(path, found);
    return found;
  };
}

async function lookUp(path: string): Promise<Found> {
  try {
    return { to: await readlink(path) };
  } catch (error) {
    if (UNREACHABLE.has((error as NodeJS.ErrnoException).code)) return "nothing";
  }
  const name = await ownName(path);
  if (name === undefined) return "unknown";
  // Another name leads to one next to it, as a link does.
  return name === posix.basename(path) ? "no link" : { to: name };
}

/** Errors that mean that nothing below the path can be found either. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "EACCES",
]);

/** The names in a path, the last one first. */
function names(path: string): string[] {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .reverse();
}
