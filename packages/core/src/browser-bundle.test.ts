import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";
import { expect, test } from "vitest";

interface Bundle {
  code: string;
  /** The files that went into the bundle. */
  modules: string[];
  /** What the bundle still imports at run time. */
  imports: string[];
  /** `importer -> builtin`. The bundler silently replaces each builtin with an empty stub. */
  builtins: string[];
}

/** Bundles an entry for the browser, in memory: writes nothing. */
async function bundle(entry: string, plugins: Plugin[] = []): Promise<Bundle> {
  const builtins: string[] = [];
  const spy: Plugin = {
    name: "spy",
    enforce: "pre",
    resolveId(source, importer) {
      if (isBuiltin(source)) builtins.push(`${importer ?? "entry"} -> ${source}`);
      return undefined;
    },
  };
  const result = await build({
    configFile: false,
    root: fileURLToPath(new URL("..", import.meta.url)),
    logLevel: "silent",
    plugins: [spy, ...plugins],
    build: { write: false, minify: false, lib: { entry, formats: ["es"], fileName: "bundle" } },
  });
  const outputs = (Array.isArray(result) ? result : [result]) as Rolldown.RolldownOutput[];
  const chunks = outputs.flatMap(({ output }) => output).filter((file) => file.type === "chunk");
  return {
    code: chunks.map((chunk) => chunk.code).join("\n"),
    modules: chunks.flatMap((chunk) => chunk.moduleIds).map((id) => id.replaceAll("\\", "/")),
    imports: chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]),
    builtins,
  };
}

const ENTRY = fileURLToPath(new URL("index.ts", import.meta.url));
test("the package bundles for the browser without any Node builtin", async () => {
  const { code, imports, modules, builtins } = await bundle(ENTRY);
  expect(builtins).toEqual([]);
  expect(code).not.toMatch(/["'`]node:/);
  // Everything is bundled, so no import is left.
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/\b(?:Buffer|process|__dirname|setImmediate)\b\s*[.(]/);
  expect(modules.filter((id) => id.includes("/ulid/dist/"))).toEqual([
    expect.stringContaining("/ulid/dist/browser/"),
  ]);
});

test.each(["node:crypto", "crypto", "buffer", "fs/promises"])(
  "this check detects an import of %s",
  async (name) => {
    const importing: Plugin = {
      name: "importing",
      enforce: "pre",
      load: (id) => (id === ENTRY ? `export * as it from "${name}";` : undefined),
    };
    const { builtins } = await bundle(ENTRY, [importing]);
    expect(builtins).toEqual([`${ENTRY} -> ${name}`]);
  },
);
