import { expect, test } from "vitest";
import { contentFaults } from "./contents.ts";
import { publintFaults, typeFaults } from "./lint.ts";
import { manifestFaults } from "./manifest.ts";
import { publicPackages } from "./public-package.ts";
import { packAll, type Tarball } from "./tarball.ts";
import { Temporary } from "./temporary.ts";

const tarballs = await packed();
const core = tarballs.find(({ name }) => name === "@arcp/core") as Tarball;

test("every public package is packed", () => {
  expect(tarballs.map(({ name }) => name)).toEqual(publicPackages().map(({ name }) => name));
  expect(tarballs.length).toBeGreaterThan(7);
});

test.each(tarballs)("$name: publint finds nothing", async (tarball) => {
  expect(await publintFaults(tarball)).toEqual([]);
});

test.each(tarballs)("$name: its types are found, and are right", async (tarball) => {
  expect(await typeFaults(tarball)).toEqual([]);
});

test.each(tarballs)("$name: it holds what a user needs and nothing else", (tarball) => {
  expect(contentFaults(tarball)).toEqual([]);
});

test.each(tarballs)("$name: its package.json says what it must", (tarball) => {
  expect(manifestFaults(tarball)).toEqual([]);
});

test("an entry that does not exist is detected", async () => {
  const broken = core.changed({ "dist/index.js": undefined, "dist/index.d.ts": undefined });
  expect((await publintFaults(broken)).join()).toContain("FILE_DOES_NOT_EXIST");
  expect((await typeFaults(broken)).join()).toContain("NoResolution");
});

test.each([
  ["a test", { "src/clock.test.ts": "" }],
  ["a configuration", { "tsconfig.json": "{}" }],
  ["no licence", { LICENSE: undefined }],
  ["another licence", { LICENSE: "MIT" }],
  ["another README", { "README.md": "# @arcp/other\n" }],
  ["what was built of a source that is gone", { "dist/gone.js.map": '{"sources":[]}' }],
  ["no source map", { "dist/clock.js.map": undefined }],
  ["a source map of what is not there", { "src/clock.ts": undefined }],
])("a tarball with %s is detected", (_what, change) => {
  expect(contentFaults(core)).toEqual([]);
  expect(contentFaults(core.changed(change))).not.toEqual([]);
});

test.each([
  ["description", undefined],
  ["keywords", []],
  ["license", "MIT"],
  ["author", undefined],
  ["type", "commonjs"],
  ["sideEffects", undefined],
  ["engines", {}],
  ["exports", undefined],
  ["publishConfig", {}],
  ["dependencies", { zod: "catalog:" }],
])("a package.json with another %s is detected", (field, value) => {
  const manifest = JSON.stringify({ ...core.manifest, [field]: value });
  expect(manifestFaults(core.changed({ "package.json": manifest }))).toHaveLength(1);
});

async function packed(): Promise<Tarball[]> {
  using directory = new Temporary();
  return await packAll(directory.path);
}
