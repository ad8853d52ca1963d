import { directories, read } from "@arcp/docs/repository";

/** What the checks read from a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** A package of the workspace that is published. */
export interface PublicPackage {
  readonly name: string;
  /** From the root, with slashes. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** @returns all of them, by name */
export function publicPackages(): PublicPackage[] {
  return directories("packages")
    .map((name) => `packages/${name}`)
    .map((directory) => ({ directory, manifest: manifestOf(read(`${directory}/package.json`)) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ directory, manifest }) => ({ name: manifest.name, directory, manifest }));
}

export function manifestOf(text: string): Manifest {
  return JSON.parse(text) as Manifest;
}
