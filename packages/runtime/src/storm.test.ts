import { expect, test } from "vitest";
import { playSeries } from "../test/chance/series.ts";
import { playSeed } from "../test/storm/play-seed.ts";

// `soak agents` runs as many more as you like.
test("J1, J2, J3, R-8.4-3, R-9.6-11, R-9.8-6 and R-9.8-10: agents that use everything at odd moments, on stores and upstreams that fail, break no promise", async () => {
  const told = await playSeries(playSeed, { from: 1, count: 30 });
  // The programs did exercise something.
  expect(told.get("jobs")).toBeGreaterThan(200);
  for (const what of [
    "crashes",
    "reruns",
    "children",
    "heard",
    "reservations",
    "costs",
    "late costs",
    "tools",
    "models",
  ]) {
    expect(told.get(what), what).toBeGreaterThan(0);
  }
});
