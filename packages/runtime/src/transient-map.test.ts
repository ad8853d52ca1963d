import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { TransientMap } from "./transient-map.ts";

test("holds what was set last, in the order of the keys, until it is deleted", () => {
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

test("what is deleted while it is read is not read", () => {
  const map = new TransientMap<string, number>();
  for (const [index, key] of ["a", "b", "c"].entries()) map.set(key, index);
  const read: number[] = [];
  for (const value of map.values()) {
    read.push(value);
    map.delete("b");
  }
  expect(read).toEqual([0, 2]);
});

test("what came and went is young garbage, also in a map that has lived for long", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
  const map = new TransientMap<number, object>();
  let next = 0;
  const pass = (entries: number): void => {
    for (const end = next + entries; next < end; next++) {
      map.delete(next - 64);
      map.set(next, new Array(256).fill(next));
    }
  };
  /** Bytes an entry that only a full collection takes. */
  const left = (): number => {
    pass(20_000);
    collect({ type: "minor" });
    collect({ type: "minor" });
    const before = process.memoryUsage().heapUsed;
    collect();
    return (before - process.memoryUsage().heapUsed) / 20_000;
  };
  pass(1000);
  collect();
  // The least of three: where the collector has just begun a full collection by itself, it keeps all that is new until then.
  // Of some 2,000 bytes an entry; a Map leaves nearly all of them to the full collection.
  expect(Math.min(left(), left(), left())).toBeLessThan(400);
});
