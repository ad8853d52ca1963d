import { describe, expect, test } from "vitest";
import { page } from "./page.ts";
import { files, read } from "./repository.ts";

/** The limits table of the guide: a name, plain or of an option, and its default. */
const { prose } = page("docs/guides/limits.md");
const section = prose.slice(prose.indexOf("## All of them"));
const table = section.slice(section.findIndex((line) => line.startsWith("| -")) + 1);
const rows = table
  .slice(
    0,
    table.findIndex((line) => !line.startsWith("|")),
  )
  .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
  .map(([, name = "", value = ""]) => ({ name, value }));

/** The limits that the tests over a plain WebSocket claim to test: `limit NAME:`, or `limit NAME, DEFAULT:` if it is fixed. */
const tested = files()
  .filter((path) => /\/raw\/limits-of-\w+\.test\.ts$/.test(path))
  .flatMap((path) => [...read(path).matchAll(/test\("[^"]*\blimit ([^:"]+?)(?:, (\d[^:"]*))?: /g)])
  .map(([, name = "", value]) => ({ name, value }));

describe("the limits table", () => {
  test("has rows", () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(rows)("$name has a test over a plain WebSocket", ({ name, value }) => {
    const tests = tested.filter((each) => each.name === name);
    expect(tests, `no title in limits-of-*.test.ts says "limit ${name}:"`).not.toEqual([]);
    for (const { value: said = "" } of tests) expect(value.startsWith(said)).toBe(true);
  });

  test("names everything that is tested as a limit", () => {
    const names = rows.map(({ name }) => name);
    expect(tested.filter(({ name }) => !names.includes(name))).toEqual([]);
  });
});
