import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAgentReference, parseAgentReference } from "./agent-reference.ts";

test.each([
  ["a", { name: "a" }],
  ["0", { name: "0" }],
  ["doc-indexer", { name: "doc-indexer" }],
  ["a.b_c-d", { name: "a.b_c-d" }],
  ["a.", { name: "a." }],
  ["doc-indexer@2.1.0", { name: "doc-indexer", version: "2.1.0" }],
  ["a@1.0.0-RC.1+build_7", { name: "a", version: "1.0.0-RC.1+build_7" }],
  ["a@-", { name: "a", version: "-" }],
  ["a".repeat(128), { name: "a".repeat(128) }],
  [`a@${"V".repeat(64)}`, { name: "a", version: "V".repeat(64) }],
])("R-7.5-1: %s is an agent reference", (text, reference) => {
  expect(parseAgentReference(text)).toEqual(reference);
  expect(formatAgentReference(reference)).toBe(text);
});

test.each([
  "",
  "@",
  "@1",
  "a@",
  "a@1@2",
  "A",
  "Doc",
  "-a",
  ".a",
  "_a",
  " a",
  "a ",
  "a b",
  "a\n",
  "a@1\n",
  "\na",
  "a\nb",
  "a@1 ",
  "a@1/2",
  "a/b",
  "ä",
  "a@ä",
  "a\u0000",
  "a".repeat(129),
  `a@${"1".repeat(65)}`,
])("R-7.5-1: %j is not an agent reference", (text) => {
  expect(parseAgentReference(text)).toBeUndefined();
});

test("R-7.5-1: exactly the texts of the grammar parse, and each is formatted as it was written", () => {
  const character = fc.constantFrom(..."aZ09.+_-@ \n/é".split(""));
  fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (characters) => {
      const text = characters.join("");
      const reference = parseAgentReference(text);
      const expected = /^[a-z0-9][a-z0-9._-]*(@[A-Za-z0-9.+_-]+)?$/.test(text);
      expect(reference !== undefined).toBe(expected);
      if (reference !== undefined) expect(formatAgentReference(reference)).toBe(text);
    }),
  );
});
