import { read } from "@arcp/docs/repository";
import { expect, test } from "vitest";
import { oldestNode } from "./oldest-node.ts";
import { type Manifest, publicPackages } from "./public-package.ts";

const promising = (node?: string): Manifest => ({
  name: "x",
  version: "0.0.0",
  ...(node === undefined ? {} : { engines: { node } }),
});

test("the packages promise the same Node, and so does the README", () => {
  const [major, minor] = oldestNode(publicPackages().map(({ manifest }) => manifest)).split(".");
  expect(read("README.md")).toContain(`The packages need Node ${major}.${minor} or later.`);
});

test.each([
  [">=22.13", ">=22.14"],
  [">=22.13", undefined],
  [">=22", ">=22"],
])("packages that promise %s and %s are reported", (one, other) => {
  expect(oldestNode([promising(">=22.13"), promising(">=22.13")])).toBe("22.13.0");
  expect(() => oldestNode([promising(one), promising(other)])).toThrow("have to name one Node");
});
