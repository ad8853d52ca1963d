import fc from "fast-check";
import { expect, test } from "vitest";
import { compilePrices, Prices, type PriceTable, type Usage } from "./price.ts";

const prices = new Prices("m", {
  input: { USD: "2.50" },
  output: { USD: "10", EUR: "0.000000000000000001" },
  cached: {},
});
const costOf = (usage: Usage): Record<string, string> =>
  Object.fromEntries([...prices.costOf(usage)].map(([unit, cost]) => [unit, cost.toFixed()]));

test("each unit used costs a millionth of its price, exactly, by currency", () => {
  expect(costOf({ input: 3 })).toEqual({ USD: "0.0000075" });
  expect(costOf({ input: 1, cached: 7 })).toEqual({ USD: "0.0000025" });
  expect(costOf({ cached: 7 })).toEqual({});
  expect(costOf({ input: 0.1 })).toEqual({ USD: "0.00000025" });
  expect(costOf({ input: Number.MAX_SAFE_INTEGER })).toEqual({ USD: "22517998136.8524775" });
  expect(costOf({ input: 0 })).toEqual({ USD: "0" });
});

test("R-5.2-4: a cost with more than 18 decimals is rounded up, once, and never down to zero", () => {
  expect(costOf({ output: 1 })).toEqual({ USD: "0.00001", EUR: "0.000000000000000001" });
  expect(costOf({ output: 1_000_000 })).toEqual({ USD: "10", EUR: "0.000000000000000001" });
  expect(costOf({ output: 1_000_001 })).toEqual({ USD: "10.00001", EUR: "0.000000000000000002" });
  const fine = new Prices("m", {
    a: { X: "0.000000000000000001" },
    b: { X: "0.000000000000000001" },
  });
  expect(fine.costOf({ a: 1, b: 1 }).get("X")?.toFixed()).toBe("0.000000000000000001");
});

test("a cost is exact or rounded up by less than its last digit", () => {
  const digits = (max: number) => fc.bigInt({ min: 0n, max: 10n ** BigInt(max) - 1n });
  const table = fc.record({ whole: digits(18), part: digits(18) });
  const count = fc.maxSafeNat();
  fc.assert(
    fc.property(table, count, ({ whole, part }, used) => {
      const text = `${whole}.${part.toString().padStart(18, "0")}`;
      const cost = new Prices("m", { a: { X: text } }).costOf({ a: used }).get("X")?.toFixed(18);
      const scaled = BigInt((cost ?? "").replace(".", ""));
      const exact = (whole * 10n ** 18n + part) * BigInt(used);
      expect(scaled).toBe((exact + 999_999n) / 1_000_000n);
    }),
  );
});

test.each([
  [{}, "is missing; it counts input, output, cached"],
  [{ tokens: 1 }, "names tokens, which has no price; it counts input, output, cached"],
  [{ __proto__: null, constructor: 1 }, "names constructor, which has no price"],
  [{ input: -1 }, "must count input by a number from 0 to 2^53 - 1"],
  [{ input: Number.NaN }, "must count input"],
  [{ input: Number.POSITIVE_INFINITY }, "must count input"],
  [{ input: 2 ** 53 }, "must count input"],
  [{ input: undefined }, "must count input"],
  [{ input: null }, "must count input"],
  [{ input: "5" }, "must count input"],
  [{ input: 5n }, "must count input"],
  [{ input: 1, output: Number.NaN }, "must count output"],
])("R-9.6-4: a usage of %o is invalid, and not free", (usage, message) => {
  expect(() => prices.costOf(usage as unknown as Usage)).toThrow(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringContaining(message),
    }),
  );
});

test("a model without units costs nothing, and counts nothing", () => {
  const free = new Prices("m", {});
  expect(free.costOf({}).size).toBe(0);
  expect(() => free.costOf({ input: 1 })).toThrow("it counts nothing");
});

test.each([
  [{ USD: "2.50" }],
  [{ input: { USD: "2,50" } }],
  [{ input: { USD: "-1" } }],
  [{ input: { USD: 2.5 } }],
  [{ input: { "": "1" } }],
  [{ input: { USD: "1e3" } }],
  [{ input: { USD: "0.0000000000000000001" } }],
])("a price of %j is refused with a message that says what would be right", (table) => {
  const models = { "mistral/large-3": table as unknown as PriceTable };
  expect(() => compilePrices(models)).toThrow(
    expect.objectContaining({
      code: "MISUSE",
      message: expect.stringMatching(
        /is not a price of mistral\/large-3: per million of each unit, such as {"input":{"USD":"2.50"}}/,
      ),
    }),
  );
});
