import { expect, test } from "vitest";
import { story } from "./story.ts";

test("a report survives a cut connection and a killed client", async () => {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  await story({ rows: 5_000, seconds: 0 }, { say, progress() {}, settle() {} });
  expect(lines.filter((line) => line.startsWith("ok"))).toHaveLength(7);
});
