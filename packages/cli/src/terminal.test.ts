import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { paintFor } from "./terminal.ts";

test("colours are for terminals, unless NO_COLOR is set", () => {
  const [pipe, terminal] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: true })];
  expect(paintFor(terminal, {}).red("x")).toBe("\u001b[31mx\u001b[39m");
  expect(paintFor(terminal, { NO_COLOR: "" }).red("x")).not.toBe("x");
  expect(paintFor(terminal, { NO_COLOR: "1" }).red("x")).toBe("x");
  expect(paintFor(terminal, { TERM: "dumb" }).red("x")).toBe("x");
  expect(paintFor(pipe, { FORCE_COLOR: "1" }).red("x")).toBe("x");
});
