import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import wabt from "wabt";
import { collectGarbage } from "../../test/collect-garbage.ts";
import { ChunkData } from "../jobs/chunk-data.ts";
import { LONG } from "../store/long-record.ts";
import { MAX_QUOTED, quoteAscii } from "./ascii-quote.ts";
import { ASCII_QUOTE_MODULE } from "./ascii-quote-module.ts";

/** A text as JSON with what encloses it, as a stream writes it; undefined if it is left to `JSON.stringify`. */
function byModule(text: string, before = "", behind = ""): string | undefined {
  const json = quoteAscii(text);
  return typeof json === "object"
    ? `${json.within(before, behind)}`
    : json && before + json + behind;
}

const quoteText = (text: string): string => byModule(text) ?? JSON.stringify(text);

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

test("every ASCII character is quoted as by JSON.stringify, at every place of a word", () => {
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
      // The second half of a word, and the next word.
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

test("any ASCII text is quoted as by JSON.stringify, whatever was quoted before", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 500 }), (text) => {
      expect(quoteText(text)).toBe(JSON.stringify(text));
    }),
    { numRuns: 500 },
  );
});

test.each(["a", "\0", '"', "\\", "line\n"])(
  "the longest text of %j fits, and a text of any length is quoted exactly to its end",
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

test("any text is quoted as by JSON.stringify, whatever was quoted before", () => {
  const character = fc.oneof(
    { arbitrary: fc.string({ unit: "binary-ascii", maxLength: 40 }), weight: 3 },
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const text = fc.array(character).map((parts) => parts.join(""));
  const repeated = fc.tuple(text, fc.nat(3)).map(([one, power]) => one.repeat(10 ** power));
  fc.assert(
    fc.property(fc.array(repeated, { maxLength: 6 }), (texts) => {
      for (const one of texts) {
        const quoted = byModule(one, "b", "e");
        if (quoted !== undefined) expect(quoted === `b${JSON.stringify(one)}e`).toBe(true);
        // So its characters are its bytes.
        if (quoted !== undefined) expect(Buffer.byteLength(one)).toBe(one.length);
      }
    }),
    { numRuns: 300 },
  );
});

test("ASCII is quoted, a long text as part of its record; what the module cannot quote is left to others", () => {
  for (const length of [0, 1, 100, LONG - 1]) {
    expect(quoteAscii('"'.repeat(length))).toBe(JSON.stringify('"'.repeat(length)));
  }
  for (const length of [LONG, MAX_QUOTED]) {
    expect(quoteAscii("x".repeat(length))).toBeInstanceOf(ChunkData);
    for (const unit of ["é", "€", "\0", "\u001b"]) {
      expect(quoteAscii("x".repeat(length - 1) + unit)).toBeUndefined();
      expect(quoteAscii(unit.repeat(length))).toBeUndefined();
      expect(quoteAscii("after")).toBe('"after"');
    }
  }
  expect(quoteAscii("x".repeat(MAX_QUOTED + 1))).toBeUndefined();
});

test.each(["q", "ü"])(
  "a quoted text of %j keeps nothing alive of the string it was sliced from",
  (unit) => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const piece = (): string => unit.repeat(2 ** 25).slice(7, 7 + MAX_QUOTED);
    const quoted = [piece()].map((text) => quoteText(text).length);
    expect(quoted).toEqual([MAX_QUOTED + 2]);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 23);
  },
);

test("a long text is enclosed in what surrounds it, however long that is", () => {
  const text = 'a "text"\n'.repeat(LONG / 8);
  for (const length of [0, 1, 500, 1023, 1024, 1025, 5000]) {
    const [before, behind] = ["b".repeat(length), "e".repeat(length)];
    expect(byModule(text, before, behind) === before + JSON.stringify(text) + behind).toBe(true);
  }
});

test("the longest text fits together with the longest surroundings", () => {
  const [text, around] = ['"'.repeat(MAX_QUOTED), "x".repeat(1024)];
  expect(byModule(text, around, around) === around + JSON.stringify(text) + around).toBe(true);
});

test("the module is its source compiled", async () => {
  const file = new URL("ascii-quote.wat", import.meta.url);
  const { parseWat } = await wabt();
  const { buffer } = parseWat("ascii-quote.wat", readFileSync(file, "utf8")).toBinary({});
  expect(ASCII_QUOTE_MODULE).toBe(Buffer.from(buffer).toString("base64"));
});
