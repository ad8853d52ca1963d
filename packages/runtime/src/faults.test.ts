import { expect, test } from "vitest";
import { playFaults } from "../test/chance/faults.ts";
import { playSeries } from "../test/chance/series.ts";

// As many more as you like: `soak faults`.
test("R-5.4-4, R-5.4-5, R-5.4-8, J1, J3, P1, O1 and O2: stores that fail, observers that throw and clients that drop break no promise", async () => {
  const told = await playSeries(playFaults, { from: 1, count: 30 });
  // It was worth it.
  expect(told.get("jobs")).toBeGreaterThan(400);
  expect(told.get("drops")).toBeGreaterThan(20);
  expect(told.get("lost")).toBeGreaterThan(0);
});
