import { type JobId, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import type { JobChange, JobIndex } from "../store/index.ts";
import { JobEntry } from "./job-entry.ts";

/** A job's entry in an index that fails as often as it is told to. */
function entry() {
  const clock = new ManualClock();
  const changes: JobChange[] = [];
  const entered: string[] = [];
  let failures = 0;
  let left = "1";
  const update: JobIndex["update"] = async (_, change) => {
    if (failures > 0) {
      failures -= 1;
      throw new Error("the disk is busy");
    }
    changes.push(change);
  };
  const made = new JobEntry({
    id: "job_1" as JobId,
    index: { update } as JobIndex,
    clock,
    remaining: () => new Map([["USD", left]]),
    failed: () => {},
    entered: (status) => entered.push(status),
  });
  const again = async (): Promise<void> => {
    await settled();
    clock.advance(20);
    await settled();
  };
  /** Spending leaves this much, which the next commit stores. @returns what goes with its records */
  const spend = (remaining: string, last = 0, accepted = last): JobChange | undefined => {
    left = remaining;
    made.note("remaining");
    return made.save(last, accepted);
  };
  return {
    entry: made,
    clock,
    changes,
    entered,
    again,
    spend,
    fail: () => (failures = 1),
    failForGood: () => (failures = Number.POSITIVE_INFINITY),
  };
}

test("J2: a checkpoint stored at the second attempt is not replaced by an end that nobody can read yet", async () => {
  const { entry: job, changes, again, fail } = entry();
  fail();
  const stored = job.set({ checkpoint: "1" });
  job.enter("success", 3);
  await again();
  await stored;
  expect(changes).toEqual([{ checkpoint: "1" }]);
});

test("J2: with an end's records in flight, neither the end nor anything older is written to the index", async () => {
  const { entry: job, changes, again, fail } = entry();
  fail();
  const stored = job.set({ checkpoint: "1" });
  job.enter("success", 3);
  job.save(3, 3);
  await again();
  await stored;
  expect(Object.assign({}, ...changes)).toEqual({});
});

test("J2: a state stored at the second attempt does not replace an end that was stored meanwhile", async () => {
  const { entry: job, changes, entered, again, fail } = entry();
  job.enter("running", 1);
  const running = job.save(1, 1);
  // The job ended while the store was being retried.
  job.enter("success", 2);
  fail();
  job.saved(running, false, 1);
  const end = job.save(2, 2);
  job.saved(end, true, 2);
  expect(entered).toEqual(["success"]);
  await again();
  expect(entered).toEqual(["success", "running"]);
  for (const { status } of changes) expect(status).not.toBe("running");
});

test("J2: a remaining budget is reported once it is stored, and a late write does not revert it", async () => {
  const { entry: job, changes, again, spend, fail } = entry();
  const told = () => job.remaining?.get("USD");
  fail();
  const first = spend("0.75");
  await settled();
  expect(first).toEqual({ remaining: { USD: "0.75" } });
  // The records are known to be stored, the change that goes with them is not.
  fail();
  job.saved(first, false, 0);
  await settled();
  expect(told()).toBeUndefined();
  job.saved(spend("0.5"), true, 0);
  expect(told()).toBe("0.5");
  await again();
  expect(changes.map(({ remaining }) => remaining)).toEqual([{ USD: "0.5" }, { USD: "0.5" }]);
  expect(told()).toBe("0.5");
});

test("J2: a remaining budget is reported after all records of the spending, even if they are committed in parts", () => {
  const { entry: job, spend } = entry();
  const told = () => job.remaining?.get("USD");
  job.saved(spend("0.75", 1, 3), true, 1);
  expect(told()).toBeUndefined();
  job.saved(spend("0.5", 2, 4), true, 2);
  expect(told()).toBeUndefined();
  job.saved(job.save(3, 4), true, 3);
  expect(told()).toBe("0.75");
  job.saved(job.save(4, 4), true, 4);
  expect(told()).toBe("0.5");
});

test("R-7.3-10: if the index refuses a remaining budget for good, it is sent again with the next records", async () => {
  const { entry: job, clock, spend, failForGood } = entry();
  const first = spend("0.75", 1);
  failForGood();
  job.saved(first, false, 1);
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  expect(job.remaining).toBeUndefined();
  const next = job.save(2, 2);
  expect(next).toEqual({ remaining: { USD: "0.75" } });
  job.saved(next, true, 2);
  expect(job.remaining?.get("USD")).toBe("0.75");
});
