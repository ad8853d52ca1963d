import { expect, test } from "vitest";
import { collectGarbage } from "../test/collect-garbage.ts";
import { jsonWeight } from "./json-weight.ts";

const many = (write: (index: number) => string): string =>
  `[${Array.from({ length: 50_000 }, (_, index) => write(index)).join()}]`;

const COSTLY: Readonly<Record<string, string>> = {
  "empty objects": many(() => "{}"),
  "empty arrays": many(() => "[]"),
  "arrays in arrays": many(() => "[".repeat(10) + "]".repeat(10)),
  "keys of their own": many((index) => `{"${index.toString(36)}k":1}`),
  "keys that are indices": many(() => '{"9999999":1}'),
  "one large object": `{${many((index) => `"${index.toString(36)}k":1`).slice(1, -1)}}`,
  numbers: many(() => "1"),
  "short strings": many((index) => `"${index.toString(36)}"`),
};

test.each(Object.keys(COSTLY))("R-14-2: %s take not much more memory than they weigh", (name) => {
  // In one piece: otherwise the pieces it is joined of would be collected meanwhile.
  const text = Buffer.from(COSTLY[name] ?? "").toString();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const value: unknown = JSON.parse(text);
  collectGarbage();
  const taken = process.memoryUsage().heapUsed - before;
  expect(taken / jsonWeight(value, text.length)).toBeLessThan(6);
});

test.each([
  [null, 4],
  ["text", 6],
  [[1, 2], 5 + 64],
  [{ key: [{}] }, 12 + 4 * 64],
])("%j weighs %i characters", (value, weight) => {
  expect(jsonWeight(value, JSON.stringify(value).length)).toBe(weight);
});

test("a value nested deeper than the stack is weighed", () => {
  let value: unknown = 0;
  for (let level = 0; level < 100_000; level++) value = [value];
  expect(jsonWeight(value, 200_001)).toBe(200_001 + 6_400_000);
});
