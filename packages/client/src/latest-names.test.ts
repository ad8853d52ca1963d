import { expect, test } from "vitest";
import { LatestNames } from "./latest-names.ts";

test("only the latest names are held, and one that is added again is the latest", () => {
  const names = new LatestNames(2);
  names.add("a");
  names.add("b");
  names.add("a");
  names.add("c");
  expect(["a", "b", "c"].map((name) => names.has(name))).toEqual([true, false, true]);
});
