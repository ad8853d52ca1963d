import { expect, test } from "vitest";
import type { AuditLine } from "./audit-report.ts";
import { reportText } from "./report-text.ts";
import { printable, wrap } from "./text.ts";

const long = "a/very/long/path/".repeat(10);
const report: AuditLine[] = [
  {
    line: "summary",
    root: "/tree",
    files: 1_234_567,
    lines: 123_456_789,
    bytes: 9_876_543_210,
    links: 3,
    unreadable: 2,
    todos: 50,
    complete: false,
  },
  ...Array.from({ length: 50 }, (_, n): AuditLine[] => [
    { line: "language", language: `Language-with-a-long-name-${n}`, files: 1, lines: 100 - n },
    { line: "largest", path: `${long}${n}.ts`, bytes: 100_000 - n },
    { line: "todo", path: `${long}${n}.ts`, at: 10_000, text: "TODO ".repeat(20) },
  ]).flat(),
];

test.each([40, 56, 80])("fits %i characters and two dozen lines", (width) => {
  const lines = reportText(report, width).flatMap(({ title, rows }) => [title, ...rows]);
  expect(lines.length).toBeLessThanOrEqual(25);
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(width);
  expect(lines).toContain("and 45 more");
});

test("no character that controls a terminal is printed", () => {
  expect(printable("\u001b[31mred\u0007\u009b\u202e.ts")).toBe("·[31mred···.ts");
});

test("text is wrapped at its spaces, and cut if it has none", () => {
  expect(wrap("one two three four five six", 20)).toEqual(["one two three four", "five six"]);
  expect(wrap("x".repeat(45), 20).map((line) => line.length)).toEqual([20, 20, 5]);
});
