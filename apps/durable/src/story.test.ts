import { expect, test } from "vitest";
import { story } from "./story.ts";

test("a job survives its runtime, twice", async () => {
  const lines: string[] = [];
  await story(3, (line) => lines.push(line));
  expect(lines.filter((line) => line.includes("SIGKILL"))).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith("ok"))).toHaveLength(7);
});
