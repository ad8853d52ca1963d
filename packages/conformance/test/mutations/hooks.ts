// Loaded with `--import` in front of a runtime: its package is read from the sources, one of which is changed on the way.
import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { mutations } from "./mutations.ts";

const runtime = new URL("../../../runtime/", import.meta.url).href;
const name = process.env["MUTATION"];
const mutation = mutations.find((one) => one.name === name);

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    if (!resolved.url.startsWith(`${runtime}dist/`)) return resolved;
    const source = resolved.url.replace("/dist/", "/src/").replace(/\.js$/, ".ts");
    return { ...resolved, url: source, format: "module-typescript" };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    if (mutation === undefined || url !== `${runtime}src/${mutation.file}`) return loaded;
    const source = String(loaded.source);
    const [before, after, ...more] = source.split(mutation.from);
    assert(
      after !== undefined && more.length === 0,
      `${mutation.file} has not once: ${mutation.from}`,
    );
    return { ...loaded, source: before + mutation.to + after };
  },
});
