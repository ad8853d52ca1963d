import { expect, test } from "vitest";
import { isLongerThan } from "./longer-than.ts";

test.each([
  ["", 0, false],
  ["a", 0, true],
  ["abc", 3, false],
  ["abcd", 3, true],
  ["é", 2, false],
  ["é", 1, true],
  ["€€", 6, false],
  ["€€", 5, true],
  ["😀", 4, false],
  ["😀", 3, true],
  // Sent as the replacement character.
  ["\ud800", 3, false],
  ["\ud800", 2, true],
])("%j is longer than %i bytes: %j", (text, bytes, longer) => {
  expect(isLongerThan(text, bytes)).toBe(longer);
});
