import type { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Lanes, laneOf } from "./lanes.ts";

const item = (name: string, lane: string | undefined) => ({ name, lane });

test("in each lane one item follows the other, whichever leaves in between", () => {
  const lanes = new Lanes<{ name: string; lane: string | undefined }>();
  const [a, b, c, other, free] = [
    item("a", "x"),
    item("b", "x"),
    item("c", "x"),
    item("other", "y"),
    item("free", undefined),
  ] as const;
  expect([a, b, c, other, free].map((each) => lanes.join(each))).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
  expect([a, b, other, free].map((each) => lanes.isFirst(each))).toEqual([true, false, true, true]);
  expect(lanes.leave(free)).toBeUndefined();
  // The item that left was not first, so no other one moves up.
  expect(lanes.leave(b)).toBeUndefined();
  expect(lanes.leave(a)).toBe(c);
  expect(lanes.leave(c)).toBeUndefined();
  expect(lanes.join(b)).toBe(true);
});

test("R-D-7: requests whose replies could be confused share a lane, and no others do", () => {
  const [one, other] = ["job_1", "job_2"] as JobId[];
  const cancel = laneOf({ type: "job.cancel", jobId: one });
  expect(laneOf({ type: "job.cancel", jobId: one })).toBe(cancel);
  expect(laneOf({ type: "job.cancel", jobId: other })).not.toBe(cancel);
  expect(laneOf({ type: "job.subscribe", jobId: one })).not.toBe(cancel);
  expect(laneOf({ type: "session.ping", jobId: undefined })).toBe(undefined);
});
