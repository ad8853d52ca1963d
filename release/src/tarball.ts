import { readFileSync } from "node:fs";
import { join } from "node:path";
import { read, root } from "@arcp/docs/repository";
import { unpack } from "@publint/pack";
import { command } from "./command.ts";
import { type Manifest, manifestOf, publicPackages } from "./public-package.ts";

/** A package as it is published. */
export class Tarball {
  readonly manifest: Manifest;
  /** By their paths in the package, with slashes. */
  readonly files: ReadonlyMap<string, string>;
  /** Where it is; undefined if it was put together in memory. */
  readonly path: string | undefined;
  /** Bytes, compressed. */
  readonly packed: number;

  constructor(files: ReadonlyMap<string, string>, path?: string, packed = 0) {
    this.files = files;
    this.path = path;
    this.packed = packed;
    this.manifest = manifestOf(files.get("package.json") ?? "{}");
  }

  get name(): string {
    return this.manifest.name;
  }

  /** Bytes of all its files. */
  get unpacked(): number {
    return [...this.files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  }

  static async at(path: string): Promise<Tarball> {
    const packed = readFileSync(path);
    const { files, rootDir } = await unpack(new Uint8Array(packed).buffer);
    const text = new TextDecoder();
    const entries = files.map(
      ({ name, data }) => [name.slice(rootDir.length + 1), text.decode(data)] as const,
    );
    return new Tarball(new Map(entries), path, packed.length);
  }

  /** The same tarball with some files replaced; undefined removes one. */
  changed(changes: Readonly<Record<string, string | undefined>>): Tarball {
    const files = new Map(this.files);
    for (const [path, text] of Object.entries(changes)) {
      if (text === undefined) files.delete(path);
      else files.set(path, text);
    }
    return new Tarball(files);
  }
}

/** Packs the last build of every public package into a directory. */
export async function packAll(directory: string): Promise<Tarball[]> {
  const { packageManager } = JSON.parse(read("package.json")) as { packageManager: string };
  const filters = publicPackages().flatMap(({ name }) => ["--filter", name]);
  const pack = ["--recursive", ...filters, "pack", "--json", "--pack-destination", directory];
  await command("npx", ["--yes", packageManager, ...pack], root);
  return await Promise.all(
    publicPackages().map(({ name, manifest: { version } }) =>
      Tarball.at(join(directory, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)),
    ),
  );
}
