import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { jobNode } from "./job-tree.ts";
import { story } from "./story.ts";
import { drawn } from "./tree-view.ts";

test("a team shares one budget and one end", async () => {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const changes: string[] = [];
  await story(
    { workers: 3, seconds: 0 },
    {
      say,
      show() {},
      changed: ({ name, state }) => changes.push(`${name}: ${state}`),
      settle() {},
    },
  );
  expect(lines.filter((line) => line.startsWith("ok"))).toHaveLength(5);
  expect(changes).toContain("researcher of sight: searching");
});

test("a tree is drawn with its branches, and fits", () => {
  const root = { ...jobNode("planner"), state: "planning", spent: 12_345 };
  const worker = { ...jobNode("researcher of something long"), state: "BUDGET_EXHAUSTED" };
  root.children.push(worker, jobNode("researcher of less"));
  worker.children.push({ ...jobNode("checker"), state: "done", spent: 1 });
  // Colours are for terminals, and for the logs of CI.
  expect(drawn(root, 60).map(stripVTControlCharacters)).toEqual([
    "planner                      planning               $0.0123",
    "├─ researcher of something … BUDGET_EXHAUSTED       $0.0000",
    "│  └─ checker                done                   $0.0000",
    "└─ researcher of less        accepted               $0.0000",
  ]);
});
