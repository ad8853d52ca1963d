import { expect, test } from "vitest";
import { sizeFaults, sizeOf } from "./install-size.ts";
import { licenceFaults } from "./licence.ts";
import type { Installed } from "./project.ts";
import { Tarball } from "./tarball.ts";

const installed = (name: string, change: Partial<Installed> = {}): Installed => ({
  name,
  version: "1.0.0",
  licence: "MIT",
  bytes: 1_000,
  runsScripts: false,
  ...change,
});

/** The faults reported for a package that brings others. */
function faultsOf(name: string, ...others: Installed[]): string[] {
  const all = [installed(name), ...others];
  const tarball = new Tarball(new Map([["package.json", JSON.stringify({ name })]]));
  return sizeFaults(sizeOf(tarball, all), all);
}

test.each([
  ["@arcp/core", "zod", true],
  ["@arcp/core", "pino", false],
  ["@arcp/client", "@arcp/core", true],
  ["@arcp/client", "@arcp/runtime", false],
  ["@arcp/transport-ws", "ws", true],
  ["@arcp/transport-ws", "@types/node", false],
  ["@arcp/runtime", "pino", true],
  ["@arcp/runtime", "ws", false],
  ["@arcp/runtime", "better-sqlite3", false],
  ["@arcp/runtime", "@opentelemetry/api", false],
  ["@arcp/runtime", "@arcp/store-sqlite", false],
  ["@arcp/store-sqlite", "@arcp/runtime", true],
  ["@arcp/store-sqlite", "better-sqlite3", false],
  ["@arcp/cli", "commander", true],
])("that %s brings %s is right: %s", (name, other, right) => {
  expect(faultsOf(name, installed(other))).toEqual(right ? [] : [`it brings ${other}`]);
});

test("a package that brings too much, or runs a script when it is installed, is reported", () => {
  const many = Array.from({ length: 61 }, (_, index) => installed(`other-${index}`));
  expect(faultsOf("@arcp/cli", ...many)).toEqual(["it brings 61 packages"]);
  const huge = installed("huge", { bytes: 40_000_000 });
  expect(faultsOf("@arcp/cli", huge)).toEqual(["it takes 40001000 bytes"]);
  const native = installed("native", { runsScripts: true });
  expect(faultsOf("@arcp/cli", native)).toEqual(["native runs a script when it is installed"]);
});

test.each([
  ["MIT", true],
  ["Apache-2.0", true],
  ["GPL-3.0", false],
  ["SEE LICENSE IN LICENSE.md", false],
  [undefined, false],
])("the licence %s is allowed: %s", (licence, allowed) => {
  expect(licenceFaults([installed("x", { licence })])).toHaveLength(allowed ? 0 : 1);
});
