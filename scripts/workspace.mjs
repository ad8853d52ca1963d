import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The directories of all workspace packages, relative to the root. */
export const members = ["packages", "apps"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
  .concat("bench", "docs", "release")
  .filter((directory) => existsSync(join(root, directory, "package.json")))
  .sort();
