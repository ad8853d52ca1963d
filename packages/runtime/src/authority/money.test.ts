import { describe, expect, test } from "vitest";
import { exactNumber } from "../exact-number.ts";
import { parseAmount } from "./money.ts";

describe("R-9.6-1: grammar of an amount", () => {
  test.each([
    ["USD:2.50", "USD", "2.5"],
    ["EUR:0", "EUR", "0"],
    ["credits:007", "credits", "7"],
    ["x-1_A:1", "x-1_A", "1"],
    ["USD:999999999999999999.999999999999999999", "USD", "999999999999999999.999999999999999999"],
    [`${"A".repeat(32)}:1`, "A".repeat(32), "1"],
    ["constructor:1", "constructor", "1"],
  ])("%j", (text, currency, decimal) => {
    const amount = parseAmount(text);
    expect(amount?.currency).toBe(currency);
    expect(amount?.value.toFixed()).toBe(decimal);
  });

  test.each([
    "",
    "USD",
    "USD:",
    ":1",
    "USD:-1",
    "USD:+1",
    "USD:1e3",
    "USD:1.",
    "USD:.5",
    "USD: 1",
    "USD:1 ",
    " USD:1",
    "USD:1\n",
    "USD:1,000",
    "USD:1_000",
    "USD:0x10",
    "USD:Infinity",
    "USD:NaN",
    "USD:١",
    "1USD:1",
    "_USD:1",
    "ÜSD:1",
    "US D:1",
    "USD:1:2",
    "USD:**",
    `${"A".repeat(33)}:1`,
    `USD:${"1".repeat(19)}`,
    `USD:1.${"1".repeat(19)}`,
  ])("%j is not an amount", (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });
});

test("R-5.2-5: an exact number is written with exactly its digits", () => {
  const text = "999999999999999999.999999999999999999";
  expect(JSON.stringify({ value: exactNumber(text), less: exactNumber("-0.15") })).toBe(
    `{"value":${text},"less":-0.15}`,
  );
});
