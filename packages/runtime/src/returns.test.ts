import { expect, test } from "vitest";
import { playReturns } from "../test/chance/returns.ts";
import { playSeries } from "../test/chance/series.ts";

// As many more as you like: `soak returns`.
test("P1, P2, P5, R-6.3-8, R-6.3-15 and R-6.3-20: whoever drops, is taken over and outlives its runtime sees every event once", async () => {
  const told = await playSeries(playReturns, { from: 1, count: 100 });
  // It was worth it.
  expect(told.get("events")).toBeGreaterThan(2000);
  expect(told.get("resumes")).toBeGreaterThan(800);
  expect(told.get("crashes")).toBeGreaterThan(100);
});
