import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_QUOTED, quoteAscii } from "./ascii-quote.ts";

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

test("every ASCII character is written as JSON.stringify writes it, at every place of a word", () => {
  for (const character of ascii) {
    for (const neighbour of [
      "",
      "x",
      "xx",
      "xxx",
      "\u001f",
      '"',
      "\\",
      " ",
      "!",
      "#",
      "[",
      "]",
      "\u007f",
    ]) {
      for (const text of [
        neighbour + character,
        character + neighbour,
        neighbour + character + neighbour,
        `${neighbour}${character}after`,
      ]) {
        expect(quoteAscii(text)).toBe(JSON.stringify(text));
      }
    }
  }
});

test("any ASCII text is written as JSON.stringify writes it, whatever was written before", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 500 }), (text) => {
      expect(quoteAscii(text)).toBe(JSON.stringify(text));
    }),
    { numRuns: 500 },
  );
});

test.each(["a", "\0", '"', "\\", "line\n"])(
  "the longest text of %j has room, and one of any length ends where it ends",
  (unit) => {
    const longest = unit.repeat(MAX_QUOTED).slice(0, MAX_QUOTED);
    for (const length of [
      0,
      1,
      2,
      3,
      4,
      5,
      MAX_QUOTED - 3,
      MAX_QUOTED - 2,
      MAX_QUOTED - 1,
      MAX_QUOTED,
    ]) {
      const text = longest.slice(0, length);
      expect(quoteAscii(text) === JSON.stringify(text)).toBe(true);
    }
  },
);
