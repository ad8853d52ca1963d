import { expect, test } from "vitest";
import { story } from "./story.ts";

test("four servers side by side, each with pages, a WebSocket of its own and ARCP", async () => {
  const lines: string[] = [];
  await story((line) => lines.push(line));
  expect(lines).toHaveLength(4);
});
