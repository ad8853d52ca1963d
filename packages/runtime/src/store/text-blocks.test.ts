import fc from "fast-check";
import { expect, test } from "vitest";
import { type KeptText, TextBlocks } from "./text-blocks.ts";

const MIB = 1024 * 1024;

function keep(blocks: TextBlocks, text: string): KeptText {
  const kept = blocks.keep(text);
  if (kept === undefined) throw new Error("not kept");
  return kept;
}

/** Makes all that was kept before none of the newest. */
function age(blocks: TextBlocks): void {
  for (let i = 0; i < 3; i++) blocks.release(keep(blocks, "x".repeat(MIB)));
}

test("any well-formed text comes back as it was, when it is new and when it is not", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary", minLength: 1 }), { minLength: 1 }),
      (texts) => {
        const blocks = new TextBlocks(MIB);
        const all = texts.filter((text) => text.isWellFormed()).map((text) => keep(blocks, text));
        const expected = texts.filter((text) => text.isWellFormed());
        expect(all.map((kept) => blocks.read(kept))).toEqual(expected);
        age(blocks);
        expect(all.map((kept) => kept.text)).toEqual(expected.map(() => undefined));
        expect(all.map((kept) => blocks.read(kept))).toEqual(expected);
      },
    ),
    { numRuns: 50 },
  );
});

test("a text that is not ASCII is whole, wherever it is not", () => {
  const blocks = new TextBlocks(MIB);
  for (const other of ["é", "’", "語", "😀"]) {
    for (const text of [`${other}abc`, `abc${other}`, `a${other}bc`, other.repeat(50_000)]) {
      const kept = keep(blocks, text);
      age(blocks);
      expect(blocks.read(kept) === text).toBe(true);
    }
  }
});

test("a text that is not well-formed is not taken", () => {
  const blocks = new TextBlocks(MIB);
  expect(blocks.keep("a\ud800b")).toBeUndefined();
  expect(blocks.keep("\udc00".repeat(40_000))).toBeUndefined();
});

test("a block is used again for a text of about the same length, once nobody reads the one that was in it", () => {
  const blocks = new TextBlocks(MIB);
  const first = keep(blocks, "a".repeat(67_000));
  const second = keep(blocks, "b".repeat(67_000));
  expect(second.block).not.toBe(first.block);
  blocks.release(first);
  expect(keep(blocks, "c".repeat(67_100)).block).toBe(first.block);
});

test("no more waits than is allowed, and what was asked for last stays longest", () => {
  const blocks = new TextBlocks(200_000);
  const old = [1, 2, 3].map(() => keep(blocks, "a".repeat(40_000)));
  const young = [1, 2, 3].map(() => keep(blocks, "b".repeat(60_000)));
  for (const kept of [...old, ...young]) blocks.release(kept);
  expect(blocks.spare).toBeLessThanOrEqual(200_000);
  const before = blocks.spare;
  for (let i = 0; i < 3; i++) keep(blocks, "c".repeat(60_000));
  expect(before - blocks.spare).toBe(3 * (young[0]?.block.length ?? 0));
});

test("nothing waits where nothing may", () => {
  const blocks = new TextBlocks(0);
  for (let i = 0; i < 3; i++) blocks.release(keep(blocks, "a".repeat(40_000)));
  expect(blocks.spare).toBe(0);
});

test("what waits is there, and is used again, whatever sizes were in use while others were given back", () => {
  const blocks = new TextBlocks(110_000);
  const small = keep(blocks, "a".repeat(40_000));
  const large = [1, 2].map(() => keep(blocks, "b".repeat(60_000)));
  // More than may wait, while all of the small ones are in use.
  for (const kept of large) blocks.release(kept);
  blocks.release(small);
  expect(keep(blocks, "b".repeat(60_000)).block).toBe(large[0]?.block);
  expect(keep(blocks, "a".repeat(40_000)).block).toBe(small.block);
  expect(blocks.spare).toBe(0);
});
