import { expect, test } from "vitest";
import { story } from "./story.ts";

test("one agent, over pipes and over a WebSocket", async () => {
  const lines: string[] = [];
  await story((line) => lines.push(line));
  expect(lines.filter((line) => line.startsWith("ok"))).toHaveLength(6);
});
