import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { beginning } from "./beginning.ts";

test.each([
  ["", ""],
  ["abc", "abc"],
  ["abcde", "abcd"],
  ["ab🦉", "ab🦉"],
  ["ab🦉🦉", "ab🦉"],
  ["abc🦉", "abc"],
  // A lone surrogate at the cut goes as well.
  ["abc\ud83ed", "abc"],
])("four code units of %j are %j", (text, left) => {
  expect(beginning(text, 4)).toBe(left);
});

test("R-14-2: the beginning of a long text does not keep the whole text in memory", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const leftOf = (i: number): string =>
    beginning(Buffer.alloc(1_000_000, i + 65).toString("latin1"), 100);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const left = Array.from({ length: 50 }, (_, i) => leftOf(i));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(25_000_000);
  expect(left[0]).toBe("A".repeat(100));
});
