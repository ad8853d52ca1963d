import { expect, test } from "vitest";
import { citedRequirements } from "./requirement-citation.ts";

// Concatenated, so that the sources below cite nothing for this file.
const t = "test";
const cited = (source: string): string[] => [...citedRequirements(source)];

test("titles of tests, groups and tables are read", () => {
  expect(cited(`${t}("R-4-1: order", async () => {});`)).toEqual(["R-4-1"]);
  expect(cited(`describe('R-6.3-9 and R-6.3-10', () => {});`)).toEqual(["R-6.3-9", "R-6.3-10"]);
  expect(cited(`${t}.each(kinds)("R-8.2-4: %s", () => {});`)).toEqual(["R-8.2-4"]);
  expect(cited(`${t}.concurrent(\n  \`R-D-11: all fields\`,\n  () => {});`)).toEqual(["R-D-11"]);
  expect(cited(`it("says \\"R-12-1\\" aloud", () => {});`)).toEqual(["R-12-1"]);
});

test("a longer id does not count as its beginning", () => {
  expect(cited(`${t}("R-6.3-10: x", () => {});`)).toEqual(["R-6.3-10"]);
});

test("ids outside titles, or in skipped, todo or failing tests, verify nothing", () => {
  expect(cited(`// ${t}("R-4-1: order", () => {});\nconst rule = "R-4-2";`)).toEqual([]);
  expect(cited(`/**\n * ${t}("R-4-1: order")\n */`)).toEqual([]);
  for (const mode of ["skip", "todo", "fails"]) {
    expect(cited(`${t}.${mode}("R-4-1: order", () => {});`)).toEqual([]);
  }
});
