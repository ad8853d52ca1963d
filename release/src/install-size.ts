import type { Installed } from "./project.ts";
import type { Tarball } from "./tarball.ts";

/** What it costs to install a package. */
export interface InstallSize {
  readonly name: string;
  /** Bytes. */
  readonly packed: number;
  readonly unpacked: number;
  /** Bytes of everything that npm puts on the disk, the package itself included. */
  readonly total: number;
  /** The names of the packages that come with it, sorted. */
  readonly brings: readonly string[];
}

/** The most that packages which promise to be light may bring. */
const zod = ["@standard-schema/spec", "ulid", "zod"];
const promises: Readonly<Record<string, readonly string[]>> = {
  "@arcp/core": zod,
  "@arcp/client": ["@arcp/core", ...zod],
  "@arcp/transport-stdio": ["@arcp/core", ...zod],
  "@arcp/transport-ws": ["@arcp/core", "ws", ...zod],
};
/** What is for somebody else to choose: a transport, a store, tracing. */
const apart: Readonly<Record<string, RegExp>> = {
  "@arcp/runtime": /^(ws|.*sqlite.*|@opentelemetry\/.*|@arcp\/(?!core$).*)$/,
  "@arcp/store-sqlite": /^(ws|.*sqlite.*|@opentelemetry\/.*|@arcp\/(?!core$|runtime$).*)$/,
};
/** For any of our packages, with everything that it brings. */
const MOST = { packages: 60, bytes: 30_000_000 };

export function sizeOf(tarball: Tarball, installed: readonly Installed[]): InstallSize {
  return {
    name: tarball.name,
    packed: tarball.packed,
    unpacked: tarball.unpacked,
    total: installed.reduce((sum, { bytes }) => sum + bytes, 0),
    // Some are there in several versions.
    brings: [...new Set(installed.map(({ name }) => name))].filter((name) => name !== tarball.name),
  };
}

/** What a package brings that its users do not need. */
export function sizeFaults(
  { name, brings, total }: InstallSize,
  installed: readonly Installed[],
): string[] {
  const promised = promises[name];
  const stray = brings.filter(
    (other) => promised?.includes(other) === false || apart[name]?.test(other),
  );
  const scripts = installed.filter(({ runsScripts }) => runsScripts);
  return [
    ...stray.map((other) => `it brings ${other}`),
    ...scripts.map((other) => `${other.name} runs a script when it is installed`),
    ...(brings.length > MOST.packages ? [`it brings ${brings.length} packages`] : []),
    ...(total > MOST.bytes ? [`it takes ${total} bytes`] : []),
  ];
}
