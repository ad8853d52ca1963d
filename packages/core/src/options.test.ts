import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { z } from "zod";
import { isPlain, type OptionRule, type OptionRules, rule } from "./option-rule.ts";
import { checkOptions, checkValues } from "./options.ts";

interface Options {
  readonly port: number;
  readonly host?: string;
}

const RULES: OptionRules<Options> = { port: rule.required(rule.wait), host: rule.text };

const check = (options: unknown) => () => checkOptions("serve", options as Options, RULES);

const misuse = (message: string) => expect.objectContaining({ code: "MISUSE", message });

test("options that fit pass, and undefined counts as not given", () => {
  for (const options of [{ port: 1 }, { port: 0, host: "a" }, { port: 1, host: undefined }]) {
    expect(check(options)).not.toThrow();
  }
});

test.each([
  [{}, "port must be a number from zero, or Infinity, not undefined"],
  [{ port: "80" }, "port must be a number from zero, or Infinity, not a string"],
  [{ port: Number.NaN }, "port must be a number from zero, or Infinity, not NaN"],
  [{ port: -1 }, "port must be a number from zero, or Infinity, not -1"],
  [{ port: 1, host: null }, "host must be a string, not null"],
  [{ port: 1, host: "" }, "host must be a string, not an empty string"],
  [{ port: 1, host: ["a"] }, "host must be a string, not an array"],
  [{ port: 1, host: {} }, "host must be a string, not an object"],
  [{ port: 1, host: () => "a" }, "host must be a string, not a function"],
  [{ port: 1, hots: "a" }, "hots is not one of its options, which are port, host"],
  [{ port: 1, toString: 1 }, "toString is not one of its options, which are port, host"],
])("%o is refused with a message that says what would be right", (options, message) => {
  expect(check(options)).toThrow(misuse(`serve: ${message}`));
});

test.each([
  [null, "null"],
  ["port", "a string"],
  [[], "an array"],
  [7, "7"],
])("%j is refused instead of an options object", (options, kind) => {
  expect(check(options)).toThrow(misuse(`serve: must be an object, not ${kind}`));
});

test("an instance of a class is refused as such, not with the words for the right value", () => {
  const tables: OptionRules<{ readonly limits?: object }> = { limits: rule.table };
  const refused = () => checkOptions("serve", { limits: new Map() }, tables);
  const right = "an object with a value for each name";
  expect(refused).toThrow(misuse(`serve: limits must be ${right}, not an instance of a class`));
});

test("a refusal never reveals an option's value, which may be secret", () => {
  expect(check({ port: "s3cret" })).toThrow(expect.not.stringContaining("s3cret"));
});

test("an instance of a class may have more than the options, and so may what is checked by its values alone", () => {
  class Own {
    readonly port = 1;
    readonly cache = new Map();
  }
  expect(check(new Own())).not.toThrow();
  expect(check({ ...new Own() })).toThrow("cache is not one of its options");
  expect(() => checkValues("serve", { ...new Own() }, RULES)).not.toThrow();
  expect(() => checkValues("serve", { port: "1" }, RULES)).toThrow("port must be");
});

test("an object is plain in every realm; a list, a map or an instance of a class never is", () => {
  const plain = [{}, Object.create(null), runInNewContext("({ a: 1 })"), JSON.parse("{}")];
  expect(plain.map(isPlain)).toEqual(plain.map(() => true));
  const others = [[], new Map(), new (class {})(), new Date(), null, "text", () => {}, Promise];
  expect(others.map(isPlain)).toEqual(others.map(() => false));
});

const NUMBERS = [1, 1.5, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1", true, [1], 1n];

test.each<[string, OptionRule, readonly unknown[], readonly unknown[]]>([
  ["above zero", rule.aboveZero, [1, 1.5], NUMBERS.slice(2)],
  ["whole", rule.wholeAboveZero, [1], NUMBERS.slice(1)],
  ["a limit", rule.limit, [1, 1.5, Number.POSITIVE_INFINITY], [0, -1, Number.NaN, "1", [1]]],
  ["a wait", rule.wait, [0, 1, Number.POSITIVE_INFINITY], [-1, Number.NaN, "0", null, []]],
  ["a flag", rule.flag, [true, false], ["false", 0, null, {}]],
  ["texts", rule.texts, [[], ["a"]], ["a", [1], null, new Set(["a"])]],
  ["a table", rule.table, [{}, { a: 1 }], [[], new Map(), null, "a"]],
  ["a schema", rule.schema, [z.string()], [{ type: "object" }, { a: z.string() }, z, null]],
])("the rule for %s accepts exactly what fits", (_, { fits }, right, wrong) => {
  expect(right.filter((value) => !fits(value))).toEqual([]);
  expect(wrong.filter(fits)).toEqual([]);
});
