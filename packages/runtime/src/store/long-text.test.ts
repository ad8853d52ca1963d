import type { HeldBytes } from "@arcp/core";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { blocks } from "./blocks.ts";
import { LongText } from "./long-text.ts";

function longText(text: string): LongText {
  const long = LongText.of(text);
  if (long === undefined) throw new Error("not taken");
  return long;
}

/** What a transport sends of it. */
function sent(text: LongText): string {
  const { bytes, letGo } = text.hold();
  const sent = Buffer.from(bytes).toString();
  letGo();
  return sent;
}

// Spare blocks of other tests would be dropped in place of those returned here.
beforeEach(() => {
  const all = 16 * 1024 * 1024;
  blocks.give(blocks.take(all));
  blocks.take(all);
  expect(blocks.spare).toBe(0);
});

test("any well-formed text is read and sent unchanged, in a block or as a string", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
      fc.pre(text.isWellFormed());
      const long = longText(text);
      expect(long.length).toBe(text.length);
      expect(long.size).toBe(Buffer.byteLength(text));
      expect([String(long), sent(long)]).toEqual([text, text]);
      expect(long.toOwnString()).toBe(text);
      expect([String(long), sent(long), long.toOwnString()]).toEqual([text, text, text]);
    }),
  );
});

test("a text with one character that is not ASCII is whole, wherever that is", () => {
  for (const other of ["é", "’", "語", "😀"]) {
    for (const text of [`${other}abc`, `abc${other}`, `a${other}bc`, other.repeat(50_000)]) {
      expect(String(longText(text)) === text).toBe(true);
      expect(sent(longText(text)) === text).toBe(true);
    }
  }
});

test("a text that is not well-formed is not taken", () => {
  expect(LongText.of("a\ud800b")).toBeUndefined();
  expect(LongText.of("\udc00".repeat(40_000))).toBeUndefined();
});

test("parts in ASCII are joined", () => {
  const text = LongText.ofAscii('{"data":"', "x".repeat(50_000), "", '"}');
  expect(String(text)).toBe(`{"data":"${"x".repeat(50_000)}"}`);
  expect([text.size, text.length]).toEqual([50_011, 50_011]);
});

test("whatever is kept, lent, held, returned and released, nobody reads anything but what was written", () => {
  const act = fc.oneof(
    { arbitrary: fc.constant("keep" as const), weight: 3 },
    fc.constantFrom("lend", "give back", "hold", "let go", "own", "release"),
  );
  const textOf = (number: number): string => `${number},`.repeat(9_000).slice(0, 9_000);
  fc.assert(
    fc.property(fc.array(fc.tuple(act, fc.nat()), { maxLength: 60 }), (steps) => {
      const kept: Array<[number, LongText]> = [];
      const lent: Array<[number, LongText]> = [];
      const held: Array<[number, HeldBytes]> = [];
      for (const [number, [act, choice]] of steps.entries()) {
        const one = kept[choice % (kept.length || 1)];
        if (act === "keep") kept.push([number, LongText.ofAscii(textOf(number)).keep()]);
        if (act === "lend" && one !== undefined) lent.push([one[0], one[1].lend()]);
        if (act === "give back") {
          for (const [, text] of lent.splice(choice % (lent.length || 1), 1)) text.giveBack();
        }
        const any = [...kept, ...lent][choice % (kept.length + lent.length || 1)];
        if (act === "hold" && any !== undefined) held.push([any[0], any[1].hold()]);
        if (act === "let go") {
          for (const [, bytes] of held.splice(choice % (held.length || 1), 1)) {
            bytes.letGo();
            bytes.letGo();
          }
        }
        if (act === "own") any?.[1].toOwnString();
        if (act === "release") {
          for (const [, text] of kept.splice(choice % (kept.length || 1), 1)) text.release();
        }
        for (const [number, text] of [...lent, ...kept]) {
          expect(String(text) === textOf(number)).toBe(true);
        }
        for (const [number, { bytes }] of held) {
          expect(String(bytes) === textOf(number)).toBe(true);
        }
      }
      for (const [, text] of kept) text.release();
      for (const [number, text] of lent) expect(sent(text) === textOf(number)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("a block is used again as soon as its text is released, and the text can no longer be read then", () => {
  const kept = longText("a".repeat(40_000)).keep();
  const reader = kept.lend();
  const late = kept.lend();
  late.giveBack();
  reader.giveBack();
  expect(String(late)).toBe("a".repeat(40_000));
  const before = blocks.spare;
  kept.release();
  expect(blocks.spare).toBeGreaterThan(before);
  expect(() => String(late)).toThrow("after it had been given back");
  expect(() => sent(late)).toThrow("after it had been given back");
});

test("bytes that are held are not overwritten, whoever else is done with them", () => {
  const kept = longText("a".repeat(40_000)).keep();
  const first = kept.hold();
  const second = kept.hold();
  first.letGo();
  first.letGo();
  const before = blocks.spare;
  kept.release();
  expect(blocks.spare).toBe(before);
  longText("b".repeat(40_000));
  expect(String(second.bytes)).toBe("a".repeat(40_000));
  second.letGo();
  expect(blocks.spare).toBeGreaterThan(before);
});

test("two stores that keep one text have a block each", () => {
  const text = longText("x".repeat(40_000));
  const [first, second] = [text.keep(), text.keep()];
  const before = blocks.spare;
  first.release();
  const { spare } = blocks;
  expect(spare).toBeGreaterThan(before);
  // Into the former block of the first one.
  longText("z".repeat(40_000));
  expect(String(second)).toBe("x".repeat(40_000));
  second.release();
  expect(blocks.spare).toBe(spare);
});

test("a text that has no other user returns its block when it becomes a string, and one that is kept does not", () => {
  const own = longText("a".repeat(40_000));
  const kept = longText("b".repeat(40_000)).keep();
  const before = blocks.spare;
  expect(kept.toOwnString()).toBe("b".repeat(40_000));
  expect(blocks.spare).toBe(before);
  expect(own.toOwnString()).toBe("a".repeat(40_000));
  const { spare } = blocks;
  expect(spare).toBeGreaterThan(before);
  own.toOwnString();
  expect(blocks.spare).toBe(spare);
  kept.release();
  expect(blocks.spare).toBeGreaterThan(spare);
});
