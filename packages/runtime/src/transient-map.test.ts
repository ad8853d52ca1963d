import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TransientMap } from "./transient-map.ts";

test("holds what was set last, in key order, until it is deleted", () => {
  const map = new TransientMap<string, number>();
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  expect([map.size, map.get("a"), map.get("c")]).toEqual([2, 3, undefined]);
  expect([map.has("a"), map.has("c"), ...map.keys()]).toEqual([true, false, "a", "b"]);
  expect([...map.values()]).toEqual([3, 2]);
  expect([map.delete("a"), map.delete("a")]).toEqual([true, false]);
  expect([map.size, map.get("a")]).toEqual([1, undefined]);
  expect([...map.values()]).toEqual([2]);
});

test("what is deleted during iteration is not visited", () => {
  const map = new TransientMap<string, number>();
  for (const [index, key] of ["a", "b", "c"].entries()) map.set(key, index);
  const read: number[] = [];
  for (const value of map.values()) {
    read.push(value);
    map.delete("b");
  }
  expect(read).toEqual([0, 2]);
});

test("entries that came and went are young garbage, even in a map that has lived for long", async () => {
  const program = fileURLToPath(new URL("../test/young-garbage.ts", import.meta.url));
  const flags = ["--expose-gc", "--single-threaded-gc", "--no-incremental-marking"];
  // Code from the cache of an earlier run allocates in other places.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program], { env });
  const [transient, plain] = JSON.parse(stdout) as [number, number];
  // Of some 2,000 bytes an entry, nearly all of which a Map leaves to the full collection.
  expect(transient).toBeLessThan(400);
  expect(plain).toBeGreaterThan(1000);
});
