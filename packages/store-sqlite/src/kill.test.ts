import { expect, test } from "vitest";
import { killRepeatedly } from "../test/killing.ts";
import { Scratch } from "../test/scratch.ts";

// The long form is `soak kill`.
test("R-6.3-20, R-7.3-10: a runtime killed in mid-stream loses nothing and repeats nothing", async () => {
  using scratch = new Scratch();
  const { kills, jobs, events, eventsOfSurvivor } = await killRepeatedly(
    scratch.newFile(),
    2,
    () => 0.5,
  );
  expect({ kills, jobs }).toEqual({ kills: 2, jobs: 10 });
  expect(events).toBeGreaterThan(100);
  expect(eventsOfSurvivor).toBeGreaterThan(100);
});
