import { expect, test } from "vitest";
import { playReturns } from "../test/chance/returns.ts";
import { playSeries } from "../test/chance/series.ts";

// `soak returns` runs as many more as you like.
test("P1, P2, P5, R-6.3-8, R-6.3-15 and R-6.3-20: a client that drops, is taken over and outlives its runtime sees every event once", async () => {
  const told = await playSeries(playReturns, { from: 1, count: 100 });
  // The programs did exercise something.
  expect(told.get("events")).toBeGreaterThan(2000);
  expect(told.get("resumes")).toBeGreaterThan(800);
  expect(told.get("crashes")).toBeGreaterThan(100);
});
