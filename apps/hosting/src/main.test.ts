import { expect, test } from "vitest";
import { main } from "./main.ts";

test("four servers side by side, each with pages, a WebSocket of its own and ARCP", async () => {
  const lines: string[] = [];
  await main((line) => lines.push(line));
  expect(lines).toHaveLength(4);
});
