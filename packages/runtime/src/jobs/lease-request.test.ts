import { systemClock } from "@arcp/core";
import { expect, test } from "vitest";
import type { Comparison } from "../authority/subset.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "../turn.ts";
import { compared } from "./lease-request.ts";

test("J4: however many leases are compared at once, each turn continues one of them", async () => {
  const turn = new Turn(systemClock, DEFAULT_TURN_LIMITS, () => {});
  const leases = 50;
  let begun = 0;
  let steps = 0;
  function* comparison(): Comparison {
    begun += 1;
    for (let step = 0; step < 100; step++) {
      steps += 1;
      yield;
    }
    return undefined;
  }
  let before = 0;
  let most = 0;
  let counting = true;
  const count = (): void => {
    most = Math.max(most, steps - before);
    before = steps;
    if (counting) setImmediate(count);
  };
  const all = Array.from({ length: leases }, () => compared(turn, comparison()));
  // The first step of each is taken by its own request.
  expect(begun).toBe(leases);
  before = steps;
  setImmediate(count);
  expect(await Promise.all(all)).toEqual(all.map(() => undefined));
  counting = false;
  expect(steps).toBe(leases * 100);
  expect(most).toBeLessThan(20);
});
