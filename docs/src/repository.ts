import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The lines of `.gitignore`: a directory, a name, or `*` and an ending. */
const ignored = read(".gitignore")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.replace(/\/$/, ""))
  .concat(".git");

function isIgnored(name: string): boolean {
  return ignored.some(
    (line) => line === name || (line.startsWith("*") && name.endsWith(line.slice(1))),
  );
}

/** A file's text. @param path from the root, with slashes */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The paths of all files from the root, with slashes, sorted. */
export function files(directory = root): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !isIgnored(name))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return files(path);
      return entry.isFile() ? [relative(root, path).split(sep).join("/")] : [];
    })
    .sort();
}

/** The names of the directories right below `path`. */
export function directories(path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isIgnored(entry.name))
    .map(({ name }) => name)
    .sort();
}
