import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import type { Tarball } from "./tarball.ts";
import { Temporary } from "./temporary.ts";

/** A package that npm installed in a project. */
export interface Installed {
  readonly name: string;
  readonly version: string;
  /** From its package.json; undefined if it names none. */
  readonly licence: string | undefined;
  /** Bytes of its files, without nested packages. */
  readonly bytes: number;
  /** Whether it runs a script when it is installed. */
  readonly runsScripts: boolean;
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
}

/** A project outside the workspace. It gets our packages from tarballs, whoever requires them, and all others as users do. */
export class Project implements Disposable {
  readonly #directory = new Temporary();
  readonly #tarballs: ReadonlyMap<string, Tarball>;
  readonly #dependencies = new Map<string, string>();

  constructor(tarballs: readonly Tarball[]) {
    this.#tarballs = new Map(tarballs.map((tarball) => [tarball.name, tarball]));
  }

  get path(): string {
    return this.#directory.path;
  }

  /** The Node that runs its programs: the package `node` if it is installed, otherwise this one. */
  get node(): string {
    const own = join(this.path, "node_modules/.bin/node");
    return existsSync(own) ? own : process.execPath;
  }

  /** Installs packages by name, or by `name@version`, in addition to those already there. */
  async install(names: readonly string[]): Promise<void> {
    const ours = [...this.#tarballs].map(([name, { path }]) => [name, `file:${path}`] as const);
    const files = new Map(ours);
    for (const asked of names) {
      const [, name = asked, version = "*"] = /^(.+)@(.+)$/.exec(asked) ?? [];
      this.#dependencies.set(name, files.get(name) ?? version);
    }
    this.write("package.json", {
      name: "empty",
      private: true,
      type: "module",
      dependencies: Object.fromEntries(this.#dependencies),
      overrides: Object.fromEntries(ours),
    });
    const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    await command("npm", ["install", ...quiet], this.path);
  }

  /** What is installed, by name. */
  installed(): Installed[] {
    const lock = join(this.path, "node_modules/.package-lock.json");
    const { packages } = JSON.parse(readFileSync(lock, "utf8")) as {
      packages: Readonly<Record<string, Locked>>;
    };
    return Object.entries(packages)
      .map(([path, { version, license, hasInstallScript = false }]) => ({
        name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
        version,
        licence: license,
        bytes: bytesOf(join(this.path, path)),
        runsScripts: hasInstallScript,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  write(file: string, content: object): void {
    writeFileSync(join(this.path, file), `${JSON.stringify(content, null, 2)}\n`);
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

function bytesOf(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isFile()) bytes += statSync(path).size;
    else if (entry.isDirectory() && entry.name !== "node_modules") bytes += bytesOf(path);
  }
  return bytes;
}
