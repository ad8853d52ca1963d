import { ManualClock, newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Deliveries } from "./deliveries.ts";

test("R-14-3: what is in flight, or was less than a window ago, may not have arrived", () => {
  const clock = new ManualClock();
  const deliveries = new Deliveries(clock, 1000);
  const [a, b] = [newJobId(), newJobId()];
  expect(deliveries.isRecent(a)).toBe(false);
  deliveries.begin(a);
  clock.advance(5000);
  expect(deliveries.isRecent(a)).toBe(true);
  deliveries.end(a);
  deliveries.end(b);
  clock.advance(999);
  expect([deliveries.isRecent(a), deliveries.isRecent(b)]).toEqual([true, false]);
  clock.advance(1);
  expect(deliveries.isRecent(a)).toBe(false);
  deliveries.restore([a, b]);
  expect([deliveries.isRecent(a), deliveries.isRecent(b)]).toEqual([true, true]);
  deliveries.forget(a);
  // A delivery that ends after its job is gone leaves nothing behind.
  deliveries.end(a);
  expect(deliveries.isRecent(a)).toBe(false);
});
