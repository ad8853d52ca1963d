import { posix } from "node:path";
import { read } from "@arcp/docs/repository";
import type { Tarball } from "./tarball.ts";

const NOT_FOR_USERS =
  /\.test\.|\.tsbuildinfo$|^(test|tests|soak|fixtures?)\/|^vitest\.|^tsconfig|^\./;
const LICENCE = read("LICENSE");

/** What is wrong with the files of a tarball: what is missing, and what no user needs. */
export function contentFaults(tarball: Tarball): string[] {
  const { files } = tarball;
  const faults = [...files.keys()]
    .filter((path) => NOT_FOR_USERS.test(path))
    .map((path) => `${path} is for nobody who installs it`);
  if (files.get("LICENSE") !== LICENCE) faults.push("LICENSE is not that of the repository");
  if (!files.get("README.md")?.startsWith(`# ${tarball.name}\n`)) {
    faults.push("README.md is not that of the package");
  }
  return [...faults, ...builtFaults(tarball), ...mapFaults(tarball)];
}

/** The build output of a deleted source is still in `dist`. */
function builtFaults({ files }: Tarball): string[] {
  const source = (path: string) => path.replace(/^dist\/(.*?)(\.d\.ts|\.js)(\.map)?$/, "src/$1.ts");
  return [...files.keys()]
    .filter((path) => path.startsWith("dist/") && !files.has(source(path)))
    .map((path) => `${path} was built of no source that is in it`);
}

/** A debugger and "go to definition" have to lead to a file that exists. */
function mapFaults({ files }: Tarball): string[] {
  const faults: string[] = [];
  for (const [path, text] of files) {
    if (/^dist\/.*\.(d\.ts|js)$/.test(path)) {
      const [, map = ""] = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(text) ?? [];
      const named = map === "" ? "none" : posix.join(posix.dirname(path), map);
      if (!files.has(named)) faults.push(`${path} names a map that is not in it: ${named}`);
    }
    if (!path.endsWith(".map")) continue;
    const { sources = [], sourceRoot = "" } = JSON.parse(text) as {
      sources?: string[];
      sourceRoot?: string;
    };
    for (const source of sources) {
      const shipped = posix.join(posix.dirname(path), sourceRoot, source);
      if (!files.has(shipped)) faults.push(`${path} points to what is not in it: ${shipped}`);
    }
  }
  return faults;
}
