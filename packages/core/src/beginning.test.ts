import { expect, test } from "vitest";
import { beginning } from "./beginning.ts";

test.each([
  ["", ""],
  ["abc", "abc"],
  ["abcde", "abcd"],
  ["ab🦉", "ab🦉"],
  ["ab🦉🦉", "ab🦉"],
  ["abc🦉", "abc"],
  // Of what was no text before, nothing is made well.
  ["abc\ud83ed", "abc\ud83e"],
])("of %j four code units leave %j", (text, left) => {
  expect(beginning(text, 4)).toBe(left);
});
