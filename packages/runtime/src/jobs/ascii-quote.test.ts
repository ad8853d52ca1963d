import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import wabt from "wabt";
import { MAX_QUOTED, quoteAscii } from "./ascii-quote.ts";
import { ASCII_QUOTE_MODULE } from "./ascii-quote-module.ts";

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

test("what stands around it is put around it, however long", () => {
  for (const length of [0, 1, 500, 5000]) {
    const [before, behind] = ["b".repeat(length), "e".repeat(length)];
    for (const text of ["", 'a "text"\n', "\u001b[1m"]) {
      expect(quoteAscii(text, before, behind)).toBe(before + JSON.stringify(text) + behind);
    }
  }
});

test("the longest text has room with all that may stand around it", () => {
  const [text, around] = ['"'.repeat(MAX_QUOTED), "x".repeat(1024)];
  expect(quoteAscii(text, around, around) === around + JSON.stringify(text) + around).toBe(true);
});

test("the module is what its text compiles to", async () => {
  const file = new URL("ascii-quote.wat", import.meta.url);
  const { parseWat } = await wabt();
  const { buffer } = parseWat("ascii-quote.wat", readFileSync(file, "utf8")).toBinary({});
  expect(ASCII_QUOTE_MODULE).toBe(Buffer.from(buffer).toString("base64"));
});
