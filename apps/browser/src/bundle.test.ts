import { isBuiltin } from "node:module";
import { runInNewContext } from "node:vm";
import type { connect } from "@arcp/client";
import type { dial } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { bundleClient, bundlePage } from "./bundle.ts";
import { Site } from "./site.ts";

/** Bytes of the client, minified and gzipped. */
const limits = { "with zod": 45_000, "without zod": 25_000 };

/** The oldest browsers that the client's README names. */
const BASELINE = ["chrome119", "firefox124", "safari17.4"];

/** Removes what Node has and not all of those browsers. */
const AGED = `
const { for: shared, iterator, asyncIterator, hasInstance, species, toPrimitive, toStringTag } = Symbol;
const { match, matchAll, replace, search, split, isConcatSpreadable, unscopables } = Symbol;
Symbol = Object.assign(Symbol.bind(undefined), {
  for: shared, iterator, asyncIterator, hasInstance, species, toPrimitive, toStringTag,
  match, matchAll, replace, search, split, isConcatSpreadable, unscopables,
});
const remove = (owner, ...names) => names.forEach((name) => delete owner[name]);
remove(Object.getPrototypeOf(Object.getPrototypeOf([].values())), "map", "filter", "take", "drop",
  "flatMap", "reduce", "toArray", "forEach", "some", "every", "find");
remove(Set.prototype, "union", "intersection", "difference", "symmetricDifference", "isSubsetOf",
  "isSupersetOf", "isDisjointFrom");
remove(globalThis, "Iterator", "DisposableStack", "AsyncDisposableStack", "SuppressedError", "Float16Array");
remove(Uint8Array, "fromBase64", "fromHex");
remove(Uint8Array.prototype, "toBase64", "toHex", "setFromBase64", "setFromHex");
remove(Array, "fromAsync");
remove(Error, "isError");
remove(Math, "f16round");
remove(Promise, "try");
remove(RegExp, "escape");
`;

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

test.each([
  ["with zod", []],
  ["without zod", ["zod"]],
] as const)("the whole client for a browser, %s, is small enough", async (what, without) => {
  const { size, modules } = await bundleClient("es", without);
  const limit = limits[what];
  console.log(`client ${what}: ${kilobytes(size)} min+gzip, of ${kilobytes(limit)} allowed`);
  expect(size).toBeLessThanOrEqual(limit);
  expect(modules.some((id) => /\/zod\//.test(id))).toBe(without.length === 0);
});

test("the client for a browser contains nothing of Node, and not the library ws", async () => {
  const { modules } = await bundleClient("es");
  expect(modules.filter((id) => isBuiltin(id) || /browser-external|\/ws\//.test(id))).toEqual([]);
  expect(modules.filter((id) => /\/transport-ws\/dist\/(?!browser)/.test(id))).toContainEqual(
    expect.stringContaining("platform-dial"),
  );
});

test("the page is bundled as a page and a script", async () => {
  const files = await bundlePage();
  const [script, ...more] = [...files.keys()].filter((path) => path.endsWith(".js"));
  expect(more).toEqual([]);
  expect(files.get("/index.html")?.body).toContain(`src="${script}"`);
});

test("the client's syntax is old enough for the browsers that its README names", async () => {
  const newest = await bundleClient("es", [], "esnext");
  expect((await bundleClient("es", [], BASELINE)).code).toBe(newest.code);
  expect((await bundleClient("es", [], "es2020")).code).not.toBe(newest.code);
});

test("the bundle, with only the globals of the oldest browsers, gets everything over five cuts", async () => {
  await using site = new Site();
  const url = new URL("/arcp", await site.open());
  url.protocol = "ws:";
  const { code } = await bundleClient("iife");
  const page = {
    WebSocket,
    crypto,
    performance,
    URL,
    TextEncoder,
    TextDecoder,
    AbortController,
    setTimeout,
    clearTimeout,
    addEventListener: () => {},
  };
  const arcp: { connect: typeof connect; dial: typeof dial } = runInNewContext(
    `${AGED}\n${code}\narcp;`,
    page,
  );
  const client = await arcp.connect(arcp.dial(url), { token: "visitor" });
  const job = await client.submit("ticker", { ticks: 1_000, pace: 1 });
  const seen: unknown[] = [];
  let cuts = 0;
  for await (const { jobSeq } of job.events) {
    seen.push(jobSeq);
    // Only an open connection can be cut, and what comes next comes over another one.
    if (seen.length % 10 === 0 && cuts < 5 && site.dialled > cuts) cuts += site.cut();
  }
  expect(seen).toEqual(Array.from({ length: 1_001 }, (_, i) => i + 1));
  expect(await job.result()).toEqual({ counted: 1_000 });
  expect(cuts).toBe(5);
  expect(site.dialled).toBe(6);
  await client.close();
});
