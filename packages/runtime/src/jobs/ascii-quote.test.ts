import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import wabt from "wabt";
import { collectGarbage } from "../../test/collect-garbage.ts";
import { MAX_QUOTED, quoteText, utf8Size } from "./ascii-quote.ts";
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
      // The second half of a word, and the next one.
      "x".repeat(7),
      "x".repeat(8),
      "x".repeat(15),
    ]) {
      for (const text of [
        neighbour + character,
        character + neighbour,
        neighbour + character + neighbour,
        `${neighbour}${character}after`,
      ]) {
        expect(quoteText(text)).toBe(JSON.stringify(text));
      }
    }
  }
});

test("any ASCII text is written as JSON.stringify writes it, whatever was written before", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 500 }), (text) => {
      expect(quoteText(text)).toBe(JSON.stringify(text));
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
      expect(quoteText(text) === JSON.stringify(text)).toBe(true);
    }
  },
);

test("any text has its size in UTF-8, and is quoted as before, whatever was measured in between", () => {
  const character = fc.oneof(
    { arbitrary: fc.string({ unit: "binary-ascii", maxLength: 40 }), weight: 3 },
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const text = fc.array(character).map((parts) => parts.join(""));
  const repeated = fc.tuple(text, fc.nat(3)).map(([one, power]) => one.repeat(10 ** power));
  fc.assert(
    fc.property(fc.array(fc.tuple(repeated, fc.boolean()), { maxLength: 6 }), (texts) => {
      for (const [one, measured] of texts) {
        if (measured) expect(utf8Size(one)).toBe(Buffer.byteLength(one));
        else expect(quoteText(one, "b", "e") === `b${JSON.stringify(one)}e`).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
  for (const unit of ["é", "€", "x"]) {
    const longest = unit.repeat(MAX_QUOTED);
    expect(utf8Size(longest)).toBe(Buffer.byteLength(longest));
    expect(quoteText("after")).toBe('"after"');
    expect(quoteText(longest) === JSON.stringify(longest)).toBe(true);
    expect(utf8Size(`${longest}x`)).toBe(Buffer.byteLength(longest) + 1);
  }
});

test.each(["q", "ü"])(
  "a text of %j that was quoted keeps nothing alive of what it was cut from",
  (unit) => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const piece = (): string => unit.repeat(2 ** 25).slice(7, 7 + MAX_QUOTED);
    const quoted = [piece()].map((text) => [utf8Size(text), quoteText(text).length]);
    expect(quoted).toEqual([[Buffer.byteLength(unit) * MAX_QUOTED, MAX_QUOTED + 2]]);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 23);
  },
);

test("what stands around it is put around it, however long", () => {
  for (const length of [0, 1, 500, 5000]) {
    const [before, behind] = ["b".repeat(length), "e".repeat(length)];
    for (const text of ["", 'a "text"\n', "\u001b[1m"]) {
      expect(quoteText(text, before, behind)).toBe(before + JSON.stringify(text) + behind);
    }
  }
});

test("the longest text has room with all that may stand around it", () => {
  const [text, around] = ['"'.repeat(MAX_QUOTED), "x".repeat(1024)];
  expect(quoteText(text, around, around) === around + JSON.stringify(text) + around).toBe(true);
});

test("the module is what its text compiles to", async () => {
  const file = new URL("ascii-quote.wat", import.meta.url);
  const { parseWat } = await wabt();
  const { buffer } = parseWat("ascii-quote.wat", readFileSync(file, "utf8")).toBinary({});
  expect(ASCII_QUOTE_MODULE).toBe(Buffer.from(buffer).toString("base64"));
});
