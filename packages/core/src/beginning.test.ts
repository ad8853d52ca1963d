import { expect, test } from "vitest";
import { beginning } from "./beginning.ts";

test.each([
  ["", ""],
  ["abc", "abc"],
  ["abcde", "abcd"],
  ["ab🦉", "ab🦉"],
  ["ab🦉🦉", "ab🦉"],
  ["abc🦉", "abc"],
  // A half that stood there alone before goes as well.
  ["abc\ud83ed", "abc"],
])("of %j four code units leave %j", (text, left) => {
  expect(beginning(text, 4)).toBe(left);
});
