import type { Manifest } from "./public-package.ts";

/**
 * The oldest Node that all packages promise to run on, by their `engines`: its version, such as `22.13.0`.
 *
 * @throws Error if they do not promise the same
 */
export function oldestNode(manifests: readonly Manifest[]): string {
  const promises = new Set(
    manifests.map(({ engines }) => (engines as { node?: string } | undefined)?.node ?? "none"),
  );
  const [promise = "none", ...others] = promises;
  const [, version] = /^>=(\d+\.\d+)$/.exec(promise) ?? [];
  if (version === undefined || others.length > 0) {
    throw new Error(`the engines of the packages have to name one Node: ${[...promises].join()}`);
  }
  return `${version}.0`;
}
