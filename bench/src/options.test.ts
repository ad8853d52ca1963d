import { expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { scenarios } from "./scenarios.ts";

test("runs everything five times by default", () => {
  expect(readOptions([])).toEqual({ scenarios, runs: 5, json: false });
});

test("--only, --runs and --json", () => {
  const options = readOptions(["--only", "latency", "--runs", "3", "--json"]);
  expect(options.scenarios.map(({ name }) => name)).toEqual(["latency"]);
  expect(options).toMatchObject({ runs: 3, json: true });
});

test.each([
  [["--runs", "0"], "--runs"],
  [["--runs", "many"], "--runs"],
  [["--only", "nothing"], "events, latency, client"],
  [["--fast"], "--fast"],
])("refuses %j", (args, problem) => {
  expect(() => readOptions(args)).toThrow(problem);
});
