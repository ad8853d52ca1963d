import { expect, test } from "vitest";
import { Count } from "./stream-reader.ts";

function count(first: number, seqs: readonly (number | undefined)[], events: number): void {
  const counted = new Count(first);
  for (const seq of seqs) counted.take(seq);
  counted.finish(events);
}

test("a complete stream passes, even an empty one", () => {
  expect(() => count(2, [2, 3, 4], 3)).not.toThrow();
  expect(() => count(1, [], 0)).not.toThrow();
});

test.each([
  ["a gap", [1, 3], "job_seq 3 came behind 1"],
  ["a repetition", [1, 1], "job_seq 1 came behind 1"],
  ["a late start", [2], "job_seq 2 came behind 0"],
  ["an event without a number", [1, undefined], "job_seq undefined came behind 1"],
  ["a missing end", [1], "1 events came of 2"],
  ["one too many", [1, 2, 3], "3 events came of 2"],
])("detects %s", (_, seqs, problem) => {
  expect(() => count(1, seqs, 2)).toThrow(problem);
});
