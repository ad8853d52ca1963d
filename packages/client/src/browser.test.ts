import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { build } from "vite";
import { expect, test } from "vitest";

test("the package bundles for a browser, and loads without anything of Node", async () => {
  const entry = fileURLToPath(new URL("index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, lib: { entry, formats: ["iife"], name: "arcp" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((bundle) => {
    return "output" in bundle ? bundle.output : [];
  });
  expect(outputs).toHaveLength(1);
  const [chunk] = outputs;
  if (chunk?.type !== "chunk") return expect.unreachable();
  // Vite puts an empty stand-in of this name in place of a module that only Node has.
  const foreign = [...chunk.imports, ...chunk.moduleIds].filter((id) => {
    return /^node:|browser-external/.test(id);
  });
  expect(foreign).toEqual([]);
  const web = { crypto, performance, TextEncoder, TextDecoder, AbortController, setTimeout, atob };
  const exported = runInNewContext(`${chunk.code}\narcp;`, web) as { connect?: unknown };
  expect(typeof exported.connect).toBe("function");
});
