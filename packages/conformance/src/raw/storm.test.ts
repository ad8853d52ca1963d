import { expect, test } from "vitest";
import { regressions } from "../../test/storm/regressions.ts";
import { Storm } from "../../test/storm/storm.ts";

const SHRINKING = 20_000;

// The long form is `soak storm`.
test.for([
  { store: "memory", trouble: 0, programs: 80 },
  { store: "memory", trouble: 10, programs: 50 },
  { store: "sqlite", trouble: 0, programs: 6 },
] as const)(
  "P1, P2, P3, P4, P5, R-6.3-8, R-6.3-15, R-7.2-8, R-7.6-5, R-10-2 and R-14-3: sessions in a storm, over $store of which $trouble writes in a hundred fail, get every record of their jobs, in order",
  async ({ programs, ...weather }) => {
    const storm = new Storm();
    const failure = await storm.run({ seed: 1, programs, shrinking: SHRINKING, ...weather });
    expect(failure).toBe(undefined);
    // The storm did happen.
    expect(storm.tally.events / programs).toBeGreaterThan(10);
    expect(storm.tally.resumes / programs).toBeGreaterThan(4);
    expect(storm.tally.crashes / programs).toBeGreaterThan(1);
    expect(storm.tally.translations / programs).toBeGreaterThan(8);
  },
);

test.for(regressions)("a failure found earlier does not recur: $was", async ({ program }) => {
  expect(await new Storm().play(program)).toBe(undefined);
});
