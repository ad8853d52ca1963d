import type { Tarball } from "./tarball.ts";

const fields: Readonly<Record<string, (value: unknown) => boolean>> = {
  description: (value) => typeof value === "string" && /^[A-Z`].{10,}\.$/.test(value),
  keywords: (value) => Array.isArray(value) && value.includes("arcp") && value.length > 2,
  license: (value) => value === "Apache-2.0",
  author: (value) => value === "The ARCP TypeScript authors",
  type: (value) => value === "module",
  sideEffects: (value) => value === false,
  engines: (value) => /^>=\d+\.\d+$/.test((value as { node?: string } | undefined)?.node ?? ""),
  exports: (value) => value !== undefined,
  publishConfig: (value) => (value as { access?: string } | undefined)?.access === "public",
};

/** What a package.json lacks, or expresses in a form that only the workspace understands. */
export function manifestFaults({ manifest }: Tarball): string[] {
  const faults = Object.entries(fields)
    .filter(([field, isGood]) => !isGood(manifest[field]))
    .map(([field]) => `${field}: ${JSON.stringify(manifest[field]) ?? "missing"}`);
  const inner = JSON.stringify(manifest).match(/"(workspace|catalog|link|file):[^"]*"/g) ?? [];
  return [...faults, ...inner.map((version) => `${version} means nothing outside of here`)];
}
