import { expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { scenarios } from "./scenarios.ts";

const none = { json: false, profile: false, write: false };

test("runs everything five times by default", () => {
  expect(readOptions([])).toEqual({ scenarios, rounds: 5, ...none });
});

test("--only, --rounds and the switches", () => {
  const options = readOptions([
    "--only",
    "S3,S1",
    "--rounds",
    "3",
    "--json",
    "--profile",
    "--write",
  ]);
  expect(options.scenarios.map(({ id }) => id)).toEqual(["S3", "S1"]);
  expect(options).toMatchObject({ rounds: 3, json: true, profile: true, write: true });
});

test.each([
  [["--rounds", "0"], "--rounds"],
  [["--rounds", "many"], "--rounds"],
  [["--only", "nothing"], "there is no scenario nothing; there are: S1, S2, S2c, S3"],
  [["--fast"], "--fast"],
])("refuses %j", (args, problem) => {
  expect(() => readOptions(args)).toThrow(problem);
});
