import { expect, test } from "vitest";
import { median, percentile, spread } from "./statistics.ts";

test("the median is the middle value, or the mean of the two in the middle", () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(median([4, 1, 100, 2])).toBe(3);
  expect(spread([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 });
});

test("a percentile is a value that occurred (nearest rank)", () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 0.99)).toBe(198);
  expect(percentile([7], 0.99)).toBe(7);
});
