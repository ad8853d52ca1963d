import { expect, test } from "vitest";
import { moduleExports } from "./module-exports.ts";

const run = () => {};

test("an agent not made by `defineAgent` may have further members", () => {
  const agent = { name: "a", run, description: "does nothing" };
  expect(moduleExports({ default: agent }).agents).toEqual([agent]);
});

test("a value with every member of an agent but a valid definition is refused", () => {
  const agent = { name: "a", run, attempts: "3" };
  expect(() => moduleExports({ agent })).toThrow("the agent a: attempts must be a whole number");
});
