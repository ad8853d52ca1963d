import { readlink } from "node:fs/promises";

/** Links that one path may lead through, as in the Linux kernel. */
const MAX_LINKS = 40;

/** What is at an absolute path: a link to `to`, something else, or nothing that can be reached. */
type Found = { readonly to: string } | "no link" | "nothing";

/** Looks what is at an absolute path of which all but the last name is known to be no link. */
export type Look = (path: string) => Promise<Found>;

/**
 * Where an absolute path leads once every symbolic link on the way is followed. Unlike `realpath` it also answers for
 * what does not exist: the names that cannot be looked up are kept as they are, so that whether an answer is covered can
 * be decided, and refused, in the same way for what exists and what does not.
 *
 * @returns undefined when the links go in a circle or too far
 */
export async function locate(path: string, look: Look = lookUp): Promise<string | undefined> {
  const pending = names(path);
  // Everything in here has been looked up, so that `..` can be taken literally.
  let location = "";
  let links = 0;
  /** Characters of a location at which there is nothing: nor is there below it, and clients choose how far that goes. */
  let nothingAt = Number.POSITIVE_INFINITY;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      location = location.slice(0, Math.max(0, location.lastIndexOf("/")));
      if (location.length < nothingAt) nothingAt = Number.POSITIVE_INFINITY;
      continue;
    }
    const next = `${location}/${name}`;
    const found = next.length > nothingAt ? "nothing" : await look(next);
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

/** Looks at each path once: what many paths have in common is as it was for the first of them. */
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
    return UNREACHABLE.has((error as NodeJS.ErrnoException).code) ? "nothing" : "no link";
  }
}

/** Why there is nothing to be found below a path either. */
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
