import { expect, test } from "vitest";
import { Secrets } from "./secrets.ts";

test("R-9.8-10: of a value that begins like another one nothing is left", () => {
  const secrets = new Secrets();
  const value = "sk-0123456789abcdef";
  secrets.add(value);
  secrets.add(`${value}.rotated`);
  secrets.add(value);
  expect(secrets.clean(`${value}.rotated and ${value}`)).toBe("[redacted] and [redacted]");
  const bytes = Buffer.from(`é ${value}.rotated`);
  expect(Buffer.from(secrets.cleanBytes(bytes))).toEqual(Buffer.from("é [redacted]"));
});
