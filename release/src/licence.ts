import type { Installed } from "./project.ts";

/** Licences under which anybody may redistribute what they installed, even in a product. */
const allowed = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
]);

/** What is installed under a licence that nobody has reviewed. */
export function licenceFaults(installed: readonly Installed[]): string[] {
  return installed
    .filter(({ licence = "" }) => !allowed.has(licence))
    .map(({ name, version, licence = "no licence" }) => `${name}@${version} is under ${licence}`);
}
