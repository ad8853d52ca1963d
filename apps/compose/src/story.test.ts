import { expect, test } from "vitest";
import { story } from "./story.ts";

test("a runtime made of custom parts", async () => {
  const lines: string[] = [];
  await story((line) => lines.push(line));
  expect(lines.filter((line) => line.startsWith("ok"))).toHaveLength(8);
});
