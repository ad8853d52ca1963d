import { expect, test } from "vitest";
import { canMove, isTerminal, jobStatuses } from "./lifecycle.ts";

/** Section 7.3, written out by hand. */
const arrows = [
  "pending running",
  "pending error",
  "pending cancelled",
  "pending timed_out",
  "running success",
  "running error",
  "running cancelled",
  "running timed_out",
];

test("R-7.3-1: the states have exactly these six names", () => {
  expect([...jobStatuses].sort()).toEqual(
    ["cancelled", "error", "pending", "running", "success", "timed_out"].sort(),
  );
});

test("R-7.3-1: of all 36 pairs of states, exactly the table's eight are transitions", () => {
  const moves = jobStatuses.flatMap((from) =>
    jobStatuses.filter((to) => canMove(from, to)).map((to) => `${from} ${to}`),
  );
  expect(moves.sort()).toEqual([...arrows].sort());
});

test("R-7.3-2: exactly the four states without an outgoing transition are terminal", () => {
  expect(jobStatuses.filter(isTerminal).sort()).toEqual([
    "cancelled",
    "error",
    "success",
    "timed_out",
  ]);
});
