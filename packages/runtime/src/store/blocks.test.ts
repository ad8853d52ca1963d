import { expect, test } from "vitest";
import { Blocks } from "./blocks.ts";

test("a returned block is used again for about as many bytes", () => {
  const blocks = new Blocks(1024 * 1024);
  const first = blocks.take(67_000);
  const second = blocks.take(67_000);
  expect(second).not.toBe(first);
  blocks.give(first);
  expect(blocks.take(67_100)).toBe(first);
});

test.each([1, 2, 7, 8, 9, 32_768, 67_145, 2 ** 20 - 1, 2 ** 20])(
  "%i bytes fit into their block, which is at most an eighth too large",
  (bytes) => {
    const { length } = new Blocks(0).take(bytes);
    expect(length).toBeGreaterThanOrEqual(bytes);
    expect(length).toBeLessThanOrEqual(Math.ceil(bytes * 1.125));
  },
);

test("no more bytes are spare than allowed, and blocks of the latest sizes stay longest", () => {
  const blocks = new Blocks(200_000);
  const old = [1, 2, 3].map(() => blocks.take(40_000));
  const young = [1, 2, 3].map(() => blocks.take(60_000));
  for (const block of [...old, ...young]) blocks.give(block);
  expect(blocks.spare).toBeLessThanOrEqual(200_000);
  expect([1, 2, 3].map(() => blocks.take(60_000)).every((block) => young.includes(block))).toBe(
    true,
  );
});

test("with no spare bytes allowed, no block is kept", () => {
  const blocks = new Blocks(0);
  for (let i = 0; i < 3; i++) blocks.give(blocks.take(40_000));
  expect(blocks.spare).toBe(0);
});

test("a spare block is found and used again, whatever sizes were in use when others were returned", () => {
  const blocks = new Blocks(110_000);
  const small = blocks.take(40_000);
  const large = [1, 2].map(() => blocks.take(60_000));
  // More than may be spare, while all of the small ones are in use.
  for (const block of large) blocks.give(block);
  blocks.give(small);
  expect(blocks.take(60_000)).toBe(large[0]);
  expect(blocks.take(40_000)).toBe(small);
  expect(blocks.spare).toBe(0);
});
