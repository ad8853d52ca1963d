import { expect, test } from "vitest";
import { Blocks } from "./blocks.ts";

test("a block that was given back is used again for about as many bytes", () => {
  const blocks = new Blocks(1024 * 1024);
  const first = blocks.take(67_000);
  const second = blocks.take(67_000);
  expect(second).not.toBe(first);
  blocks.give(first);
  expect(blocks.take(67_100)).toBe(first);
});

test.each([1, 2, 7, 8, 9, 32_768, 67_145, 2 ** 20 - 1, 2 ** 20])(
  "%i bytes have room in their block, which is an eighth too large at most",
  (bytes) => {
    const { length } = new Blocks(0).take(bytes);
    expect(length).toBeGreaterThanOrEqual(bytes);
    expect(length).toBeLessThanOrEqual(Math.ceil(bytes * 1.125));
  },
);

test("no more waits than is allowed, and what was asked for last stays longest", () => {
  const blocks = new Blocks(200_000);
  const old = [1, 2, 3].map(() => blocks.take(40_000));
  const young = [1, 2, 3].map(() => blocks.take(60_000));
  for (const block of [...old, ...young]) blocks.give(block);
  expect(blocks.spare).toBeLessThanOrEqual(200_000);
  expect([1, 2, 3].map(() => blocks.take(60_000)).every((block) => young.includes(block))).toBe(
    true,
  );
});

test("nothing waits where nothing may", () => {
  const blocks = new Blocks(0);
  for (let i = 0; i < 3; i++) blocks.give(blocks.take(40_000));
  expect(blocks.spare).toBe(0);
});

test("what waits is there, and is used again, whatever sizes were in use while others were given back", () => {
  const blocks = new Blocks(110_000);
  const small = blocks.take(40_000);
  const large = [1, 2].map(() => blocks.take(60_000));
  // More than may wait, while all of the small ones are in use.
  for (const block of large) blocks.give(block);
  blocks.give(small);
  expect(blocks.take(60_000)).toBe(large[0]);
  expect(blocks.take(40_000)).toBe(small);
  expect(blocks.spare).toBe(0);
});
