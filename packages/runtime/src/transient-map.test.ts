import { expect, test } from "vitest";
import { TransientMap } from "./transient-map.ts";

test("holds what was set last, in the order of the keys, until it is deleted", () => {
  const map = new TransientMap<string, number>();
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  expect([map.size, map.get("a"), map.get("c")]).toEqual([2, 3, undefined]);
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
