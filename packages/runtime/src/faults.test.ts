import { expect, test } from "vitest";
import { playFaults } from "../test/chance/faults.ts";
import { playSeries } from "../test/chance/series.ts";

// `soak faults` runs as many more as you like.
test("R-5.4-4, R-5.4-5, R-5.4-8, J1, J3, P1, O1 and O2: store failures, observer errors and drops break no promise", async () => {
  const told = await playSeries(playFaults, { from: 1, count: 30 });
  // The programs did exercise something.
  expect(told.get("jobs")).toBeGreaterThan(400);
  expect(told.get("drops")).toBeGreaterThan(20);
  expect(told.get("lost")).toBeGreaterThan(0);
});
