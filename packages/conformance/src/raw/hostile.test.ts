import { expect, test } from "vitest";
import { besiege } from "../../test/siege.ts";

// The long form is `soak hostile`.
test("R-5.3-1, R-5.3-6, R-5.4-2, R-14-4: hostile frames get one clear error each or the documented close, and affect nobody else", async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31);
  const report = await besiege({ count: 300, seed });
  const told = `seed ${seed}`;
  expect(report.corpus, told).toBeGreaterThan(500);
  expect(report.events, told).toBeGreaterThan(10);
  // The frames reached what they aimed at: every kind of answer.
  const outcomes = Object.keys(report.outcomes);
  for (const outcome of [
    "INVALID_REQUEST",
    "JOB_NOT_FOUND",
    "nothing",
    "job.accepted",
    "session.pong",
    "close 1003",
    "close 1007",
    "close 1009",
    "close 1008 before the welcome",
  ]) {
    expect(outcomes, told).toContain(outcome);
  }
  expect(report.growth, told).toBeLessThan(16 * 1024 * 1024);
});
