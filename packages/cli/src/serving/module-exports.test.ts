import { expect, test } from "vitest";
import { moduleExports } from "./module-exports.ts";

const run = () => {};

test("an agent that `defineAgent` did not make may have more than it has to", () => {
  const agent = { name: "a", run, description: "does nothing" };
  expect(moduleExports({ default: agent }).agents).toEqual([agent]);
});

test("what has all of an agent but a valid definition is refused", () => {
  const agent = { name: "a", run, attempts: "3" };
  expect(() => moduleExports({ agent })).toThrow("the agent a: attempts must be a whole number");
});
