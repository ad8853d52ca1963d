import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL_VERSION } from "@arcp/core";

/** The version of this package. */
export function ownVersion(): string {
  return manifestAt(import.meta.url).version;
}

/** What this package is, and what it depends on, as its package.json says. */
export function ownManifest(): { version: string; dependencies: Record<string, string> } {
  const { version, dependencies = {} } = manifestAt(import.meta.url);
  return { version, dependencies };
}

/** What runs here: each part with its version and where that was read. */
export function versions(): string {
  const parts = [
    ["@arcp/cli", ...packageAt(import.meta.url)],
    ["@arcp/runtime", ...packageAt(import.meta.resolve("@arcp/runtime"))],
    ["protocol", `ARCP ${PROTOCOL_VERSION}`, "@arcp/core"],
    ["Node", process.versions.node, process.execPath],
  ] as const;
  const [names, numbers] = [widest(parts, 0), widest(parts, 1)];
  return parts
    .map(([name, version, from]) => `${name.padEnd(names)}  ${version.padEnd(numbers)}  ${from}`)
    .join("\n");
}

function packageAt(file: string): [version: string, directory: string] {
  const { version, path } = manifestAt(file);
  return [version, dirname(path)];
}

interface Manifest {
  readonly version: string;
  readonly dependencies?: Record<string, string>;
}

/** @param file the URL of a module directly below the package's `src` or `dist` */
function manifestAt(file: string): Manifest & { path: string } {
  const path = fileURLToPath(new URL("../package.json", file));
  return { ...(JSON.parse(readFileSync(path, "utf8")) as Manifest), path };
}

function widest(rows: readonly (readonly string[])[], column: number): number {
  return Math.max(...rows.map((row) => row[column]?.length ?? 0));
}
