import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type InlineConfig, type Rolldown } from "vite";

/** The files of a web server, by path. */
export type PageFiles = ReadonlyMap<string, { readonly type: string; readonly body: string }>;

const here = fileURLToPath(new URL(".", import.meta.url));
const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" };

/** The sample page as it is deployed, bundled and minified in memory. */
export async function bundlePage(): Promise<PageFiles> {
  const files = await bundled({ build: { modulePreload: false } });
  return new Map(
    files.map((file) => {
      const type = types[file.fileName.split(".").at(-1) ?? ""] ?? "text/plain";
      const body = file.type === "chunk" ? file.code : String(file.source);
      return [`/${file.fileName}`, { type: `${type}; charset=utf-8`, body }];
    }),
  );
}

export interface ClientBundle {
  /** All names of the client, and `dial`. */
  readonly code: string;
  /** The files that went into it. */
  readonly modules: readonly string[];
  /** Bytes after minification and gzip. */
  readonly size: number;
}

/**
 * The whole client for a browser.
 *
 * @param format a module, as a page has it, or a script that defines `arcp`
 * @param without packages that the page is assumed to have anyway
 * @param target browsers whose syntax it may use, as the bundler names them; those of the bundler's choice by default
 */
export async function bundleClient(
  format: "es" | "iife",
  without: readonly string[] = [],
  target: string | string[] = "baseline-widely-available",
): Promise<ClientBundle> {
  const [chunk] = await bundled({
    build: {
      target,
      lib: { entry: `${here}whole-client.ts`, formats: [format], name: "arcp", fileName: "arcp" },
      rolldownOptions: {
        external: without.map((name) => new RegExp(`^${name}(/|$)`)),
        // Vite leaves white space in a library's module for the application's bundler.
        output: { minify: true },
      },
    },
  });
  if (chunk?.type !== "chunk") throw new Error("nothing was bundled");
  return { code: chunk.code, modules: chunk.moduleIds, size: gzipSync(chunk.code).length };
}

async function bundled(config: InlineConfig) {
  const result = await build({
    root: here,
    configFile: false,
    logLevel: "warn",
    ...config,
    build: { ...config.build, write: false },
  });
  const outputs = (Array.isArray(result) ? result : [result]) as Rolldown.RolldownOutput[];
  return outputs.flatMap(({ output }) => output);
}
