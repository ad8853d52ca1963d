import { expect, test } from "vitest";
import { story } from "./story.ts";

test("a job over a custom transport outlives its connection", async () => {
  const lines: string[] = [];
  await story((line) => lines.push(line));
  expect(lines).toEqual(["1000 events over 2 connections, each once and in order"]);
});
