import { expect, test } from "vitest";
import { NewestMap } from "./newest-map.ts";

test("R-5.4-8: the newest entries are kept, exactly as many as the limit", () => {
  const map = new NewestMap<number, string>(1000);
  for (let i = 0; i < 5500; i++) {
    map.set(i, `${i}`);
    const oldest = Math.max(0, i - 999);
    expect([map.get(i), map.get(oldest)]).toEqual([`${i}`, `${oldest}`]);
    expect(map.get(oldest - 1)).toBeUndefined();
  }
});

test("a deleted entry makes room, and one that is set again counts as new", () => {
  const map = new NewestMap<string, number>(2);
  const kept = (): unknown => ["a", "b", "c", "d"].map((key) => map.get(key));
  map.set("a", 1);
  map.set("b", 2);
  map.delete("a");
  map.set("c", 3);
  expect(kept()).toEqual([undefined, 2, 3, undefined]);
  map.set("a", 4);
  expect(kept()).toEqual([4, undefined, 3, undefined]);
  map.set("a", 5);
  map.set("d", 6);
  expect(kept()).toEqual([5, undefined, undefined, 6]);
  map.delete("a");
  map.delete("d");
  map.set("b", 7);
  expect(kept()).toEqual([undefined, 7, undefined, undefined]);
});
