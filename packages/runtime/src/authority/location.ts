import { readlink } from "node:fs/promises";

/** Links that one path may lead through, as in the Linux kernel. */
const MAX_LINKS = 40;

/**
 * Where an absolute path leads once every symbolic link on the way is followed. Unlike `realpath` it also answers for
 * what does not exist: the names that cannot be looked up are kept as they are, so that whether an answer is covered can
 * be decided, and refused, in the same way for what exists and what does not.
 *
 * @returns undefined when the links go in a circle or too far
 */
export async function locate(path: string): Promise<string | undefined> {
  const pending = names(path);
  // Everything in here has been looked up, so that `..` can be taken literally.
  let location = "";
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      location = location.slice(0, Math.max(0, location.lastIndexOf("/")));
      continue;
    }
    const next = `${location}/${name}`;
    const target = await readlink(next).catch(notALink);
    if (target === undefined) {
      location = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (target.startsWith("/")) location = "";
    pending.push(...names(target));
  }
  return location === "" ? "/" : location;
}

/** The names in a path, the last one first. */
function names(path: string): string[] {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .reverse();
}

/** A file, a directory, nothing at all, or out of reach: in any case there is nothing to follow. */
function notALink(): undefined {
  return undefined;
}
