import { expect, test } from "vitest";
import { clip } from "./clip.ts";
import { Secrets } from "./secrets.ts";

test("R-9.8-10: of a value that begins like another one nothing is left", () => {
  const secrets = new Secrets();
  const value = "sk-0123456789abcdef";
  secrets.add(value);
  secrets.add(`${value}.rotated`);
  secrets.add(value);
  expect(secrets.clean(`${value}.rotated and ${value}`)).toBe("[redacted] and [redacted]");
});

test("R-9.8-10: of a value that was cut off nothing is left that gives it away", () => {
  const secrets = new Secrets();
  const value = "sk-0123456789abcdef";
  secrets.add(value);
  for (let length = 5; length <= value.length; length++) {
    const text = clip(`${"x".repeat(200 - length)}${value} and more`);
    expect(secrets.clean(`is refused: ${text}; and … goes on`)).toBe(
      `is refused: ${"x".repeat(200 - length)}[redacted]…; and … goes on`,
    );
  }
  expect(secrets.clean("sk-01234…sk-012345678…")).toBe("[redacted]…[redacted]…");
  expect(secrets.clean("sk-0… is how they begin")).toBe("sk-0… is how they begin");
  expect(secrets.clean("0123456789abcdef… is no beginning")).toContain("0123456789abcdef");
});

test("R-9.8-10: what may be the beginning of a value is found at the end of a text, whole values aside", () => {
  const secrets = new Secrets();
  expect(secrets.begunIn("sk-")).toBe(0);
  secrets.add("sk-0123456789abcdef");
  secrets.add("k-other-0123456789");
  const texts = [
    "",
    "s",
    "is k",
    "sk-",
    "the key is sk-0123456789abcde",
    "sk-0123456789abcdef",
    "sk",
  ];
  expect(texts.map((text) => secrets.begunIn(text))).toEqual([0, 1, 1, 3, 18, 0, 2]);
});

test("R-9.8-10: a text full of ellipses is looked through once, however long the value", () => {
  const secrets = new Secrets();
  secrets.add(`sk-${"0123456789abcdef".repeat(500)}`);
  for (const text of ["…".repeat(300_000), "some words…".repeat(30_000)]) {
    expect(secrets.clean(text)).toBe(text);
  }
});
