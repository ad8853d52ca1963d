import type { InstallSize } from "./install-size.ts";

/** How far a figure may differ from the page: other packages have releases too. */
const DRIFT = 0.15;

const INTRODUCTION = `# Install sizes

What \`npm install\` of each package puts on the disk, and which packages come with it. Measured in an empty project, with the
tarballs as published. \`npx --yes pnpm@12.21.0 soak packages --write\` writes this page; without \`--write\` the soak fails if a
package's list differs from what is installed, or if a figure is off by more than a seventh.
`;

/** The page as it would be generated now. */
export function pageOf(sizes: readonly InstallSize[]): string {
  const rows = sizes.map(({ name, packed, unpacked, total, brings }) => [
    `\`${name}\``,
    kilobytes(packed),
    kilobytes(unpacked),
    kilobytes(total),
    String(brings.length),
    brings.map((other) => `\`${other}\``).join(", "),
  ]);
  const head = ["package", "tarball", "unpacked", "with dependencies", "packages", "which"];
  const table = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${INTRODUCTION}\n${table.join("\n")}\n`;
}

/** What a page gets wrong about a package. */
export function pageFaults(text: string, size: InstallSize): string[] {
  const line = text.split("\n").find((row) => row.startsWith(`| \`${size.name}\` |`));
  if (line === undefined) return ["docs/install-sizes.md has no row for it"];
  const [, , packed = "", unpacked = "", total = "", , which = ""] = line.split("|");
  const figures = { packed, unpacked, total };
  const off = (["packed", "unpacked", "total"] as const).filter(
    (key) => Math.abs(size[key] / (Number.parseInt(figures[key], 10) * 1000) - 1) > DRIFT,
  );
  const named = [...which.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  return [
    ...off.map(
      (key) => `docs/install-sizes.md says ${figures[key].trim()}, ${key} is ${size[key]}`,
    ),
    ...(named.join() === size.brings.join()
      ? []
      : [`docs/install-sizes.md names others than it brings: ${size.brings.join(", ")}`]),
  ];
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}
