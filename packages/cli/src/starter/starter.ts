import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { usage } from "../failure.ts";
import { makeDirectory } from "../made-directory.ts";
import { ownManifest } from "../versions.ts";

/** Where the files of the starter are, beside \`src\` and \`dist\`. */
const TEMPLATE = join(import.meta.dirname, "..", "..", "starter");

/** Files that a package manager would not pack under their own names. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/** Versions of third-party packages, as this workspace tests with. */
const FOREIGN = { zod: "^4.6.7", "@types/node": "^24.0.0", typescript: "^7.0.2" } as const;

/**
 * Writes a starter into a directory, which is created if it does not exist.
 *
 * @returns the names of its files
 * @throws LocalError `MISUSE` if the directory is not empty, or cannot be written
 */
export async function writeStarter(name: string, cwd: string): Promise<string[]> {
  const directory = resolve(cwd, name);
  try {
    await makeDirectory(directory);
    if ((await readdir(directory)).length > 0)
      throw usage(`${name || "."} is not empty: choose another directory`);
    const files = new Map([["package.json", manifest(basename(directory))]]);
    for (const file of await readdir(TEMPLATE)) {
      files.set(RENAMED[file] ?? file, await readFile(join(TEMPLATE, file), "utf8"));
    }
    for (const [file, text] of files) await writeFile(join(directory, file), text);
    return [...files.keys()].toSorted();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw usage(`${name} cannot be written: ${error.message}`);
  }
}

/** Uses the versions of the packages that belong to this command. */
function manifest(directory: string): string {
  const { version, dependencies } = ownManifest();
  const own = (name: string): [string, string] => {
    const range = dependencies[name] ?? version;
    return [name, `^${range.startsWith("workspace:") ? version : range}`];
  };
  // No file of the starter imports the core, but whoever catches an error needs its classes.
  const names = ["cli", "client", "core", "runtime", "transport-ws"].map((part) => `@arcp/${part}`);
  return `${JSON.stringify(
    {
      name: packageName(directory),
      private: true,
      type: "module",
      engines: { node: ">=22.18" },
      scripts: {
        start: "arcp serve agents.ts --store arcp.db --watch",
        client: "node client.ts",
        check: "tsc",
      },
      dependencies: { ...Object.fromEntries(names.map(own)), zod: FOREIGN.zod },
      devDependencies: { "@types/node": FOREIGN["@types/node"], typescript: FOREIGN.typescript },
    },
    null,
    2,
  )}\n`;
}

/** Turned into a name that npm accepts. */
function packageName(directory: string): string {
  const name = directory
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name || "agents";
}
