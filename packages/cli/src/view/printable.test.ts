import { expect, test } from "vitest";
import { amount, bytes, duration, fit, json, printable } from "./printable.ts";

test("an agent's text controls no terminal, not even with 8-bit control characters", () => {
  expect(printable("a\u001b[31mb\u001b]0;title\u0007c\u009b2Jd\r\ne\tf\u202eg")).toBe("abcd e f g");
  const value = { text: "\u001b[2J\u009b2J\u202e \n 漢字 👩‍👩‍👧" };
  for (const indent of [undefined, 2]) {
    const text = json(value, indent);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(text)).toEqual(value);
  }
  expect(json(value, 2)).toContain('{\n  "text"');
});

test("lines are cut by the columns that they take, colours not counted", () => {
  expect(fit("漢字漢字", 8)).toBe("漢字漢字");
  expect(fit("漢字漢字", 7)).toBe("漢字漢…");
  expect(fit("\u001b[31mred\u001b[39m", 3)).toBe("\u001b[31mred\u001b[39m");
  expect(fit("\u001b[31mredder\u001b[39m", 4)).toBe("\u001b[31mred\u001b[39m…");
});

test("amounts, sizes and durations are written for people", () => {
  expect([0.1 + 0.2, 2.5, 100].map(amount)).toEqual(["0.3", "2.5", "100"]);
  expect([999, 50_050, 2_500_000].map(bytes)).toEqual(["999 B", "50.0 kB", "2.5 MB"]);
  expect([12, 2_840, 65_000, 3_720_000].map(duration)).toEqual([
    "12 ms",
    "2.8 s",
    "1 min 5 s",
    "1 h 2 min",
  ]);
});
