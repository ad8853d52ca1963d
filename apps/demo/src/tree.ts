import { readdir } from "node:fs/promises";
import { ArcpError } from "@arcp/core";

/** Lists a directory: `ctx.fs.list` does it within a job's lease. */
export type List = (path: string) => Promise<readonly { name: string; kind: string }[]>;

/** Lists a directory of this machine, with the authority of this process. */
export const listOnDisk: List = async (path) => {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.map((entry) => ({
    name: entry.name,
    kind: entry.isFile()
      ? "file"
      : entry.isDirectory()
        ? "directory"
        : entry.isSymbolicLink()
          ? "link"
          : "other",
  }));
};

export interface Tree {
  /** Absolute paths of the regular files, sorted within each directory. */
  readonly files: readonly string[];
  /** Symbolic links, none of which was followed. */
  readonly links: number;
  /** Directories that could not be listed. */
  readonly unreadable: number;
}

/** Walks a tree without following symbolic links and without entering directories of the names in `skip`. */
export async function listTree(list: List, root: string, skip: readonly string[]): Promise<Tree> {
  const files: string[] = [];
  const directories = [root];
  let links = 0;
  let unreadable = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const entries = await list(path).catch(unlessJobIsOver);
    if (entries === undefined) {
      unreadable += 1;
      continue;
    }
    const inside = path.endsWith("/") ? path : `${path}/`;
    const below: string[] = [];
    for (const { name, kind } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (kind === "file") files.push(inside + name);
      else if (kind === "link") links += 1;
      else if (kind === "directory" && !skip.includes(name)) below.push(inside + name);
    }
    directories.push(...below.reverse());
  }
  return { files, links, unreadable };
}

/**
 * Forgives an error about one file or directory, such as one that has vanished since it was listed.
 * @throws the error if it is about the job: it was cancelled, its lease expired, its budget is used up
 */
export function unlessJobIsOver(error: unknown): undefined {
  const aboutThePath =
    !(error instanceof ArcpError) ||
    error.code === "PERMISSION_DENIED" ||
    error.code === "INVALID_REQUEST";
  if (!aboutThePath) throw error;
  return undefined;
}
