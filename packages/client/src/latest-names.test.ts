import { expect, test } from "vitest";
import { LatestNames } from "./latest-names.ts";

test("only the latest names are held, and a name that is added again is the latest", () => {
  const names = new LatestNames(2);
  names.add("a");
  names.add("b");
  names.add("a");
  names.add("c");
  expect(["a", "b", "c"].map((name) => names.has(name))).toEqual([true, false, true]);
});

test("it holds at least its capacity, and less than twice that", () => {
  const names = new LatestNames(4);
  const all = Array.from({ length: 50 }, (_, i) => `${i}`);
  for (const [i, name] of all.entries()) {
    names.add(name);
    const held = all.slice(0, i + 1).filter((each) => names.has(each));
    expect(held.slice(-4)).toEqual(all.slice(Math.max(0, i - 3), i + 1));
    expect(held.length).toBeLessThan(8);
  }
});
