import { expect, test } from "vitest";
import { unleash } from "../../test/chaos/chaos.ts";

// The long form is `soak chaos`.
test("R-4-4, R-6.3-8, R-8.3-3, R-14-3: over a network that cuts, stalls and repeats, every job ends as it should, once and in order", async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31);
  const plan = {
    seed,
    clients: 8,
    jobs: 10,
    effort: { steps: 300, ms: 2_000, streamed: 500_000, inline: 100_000 },
    weather: { life: 1_000, halfOpen: 3_000, refused: 0.05, blackHole: 0.05, replayed: 0.15 },
    patience: 45_000,
  };
  const { tally } = await unleash(plan).catch((error: unknown) => {
    throw new Error(`seed ${seed}: ${error}`, { cause: error });
  });
  expect(tally.of("jobs: done"), `seed ${seed}`).toBe(plan.jobs);
  expect(tally.of("events"), `seed ${seed}`).toBeGreaterThan(10);
});
