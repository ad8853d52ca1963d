import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod/mini";
import { absent, JsonObject, MAX_JSON_DEPTH, nestsDeeperThan, objectOf, orNull } from "./json.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("R-5.2-7: the depth of a text is the depth of its value, whatever its strings contain", () => {
  // Padding, with brackets and without, since texts too short to be deep are not scanned.
  const padding = fc.constantFrom('[{"\\"'.repeat(20), "x".repeat(60));
  const limits = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), limits, padding, (value, limit, pad) => {
      const text = JSON.stringify({ pad, value });
      expect(nestsDeeperThan(text, limit)).toBe(1 + depthOf(value) > limit);
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ["brackets in a string", JSON.stringify("[".repeat(1000)), false],
  ["brackets after an escaped quote", JSON.stringify(`"${"[".repeat(1000)}`), false],
  ["brackets after an escaped backslash", `["\\\\",${"[".repeat(200)}${"]".repeat(200)}]`, true],
  ["many siblings", `[${"[],".repeat(1000)}[]]`, false],
  ["exactly the limit", "[".repeat(128) + "]".repeat(128), false],
  ["one more than the limit", "[".repeat(129) + "]".repeat(129), true],
  ["objects and arrays together", '{"a":['.repeat(65) + "]}".repeat(65), true],
])("R-5.2-7: %s", (_, text, deeper) => {
  expect(nestsDeeperThan(text, MAX_JSON_DEPTH)).toBe(deeper);
});

test("R-5.2-6: an object is taken as it is, including __proto__", () => {
  const value: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":1}');
  expect(JsonObject.parse(value)).toBe(value);
  expect(JsonObject.parse(value)["admin"]).toBeUndefined();
});

test.each([[[]], [null], ["x"], [5], [undefined]])("%j is not an object", (value) => {
  expect(JsonObject.safeParse(value).success).toBe(false);
});

test("R-5.2-6: an object of checked values keeps and checks the value of __proto__", () => {
  const Numbers = objectOf((value): value is number => typeof value === "number", "numbers");
  const good: unknown = JSON.parse('{"__proto__":1}');
  expect(Numbers.parse(good)).toBe(good);
  expect(Numbers.safeParse(JSON.parse('{"__proto__":"x"}')).success).toBe(false);
  expect(Numbers.safeParse([1]).success).toBe(false);
});

test("R-5.2-1: null is read as absent, or absent as null", () => {
  const Optional = z.object({ a: absent(z.string()) });
  expect([{}, { a: null }, { a: undefined }].map((value) => Optional.parse(value).a)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(Optional.parse({ a: "" }).a).toBe("");
  const Always = z.object({ a: orNull(z.string()) });
  expect([{}, { a: null }, { a: undefined }, { a: "" }].map((v) => Always.parse(v).a)).toEqual([
    null,
    null,
    null,
    "",
  ]);
});
