import { expect, test } from "vitest";
import { clip } from "./clip.ts";

test("a long text is clipped, but never within a character", () => {
  expect(clip("x".repeat(200))).toBe("x".repeat(200));
  expect(clip("x".repeat(201))).toBe(`${"x".repeat(200)}…`);
  expect(clip(`${"x".repeat(199)}🦉`)).toBe(`${"x".repeat(199)}…`);
});
