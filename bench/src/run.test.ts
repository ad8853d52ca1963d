import { expect, test } from "vitest";
import { reportOf } from "./report.ts";
import { type RoundSamples, runScenario } from "./run.ts";
import type { Scenario, Size } from "./scenario.ts";
import { s1 } from "./scenarios/s1-latency.ts";
import { s2 } from "./scenarios/s2-submits.ts";
import { s2c } from "./scenarios/s2c-client-submits.ts";
import { s3 } from "./scenarios/s3-events.ts";
import { s3c } from "./scenarios/s3c-client-events.ts";
import { s4 } from "./scenarios/s4-jobs.ts";
import { s5 } from "./scenarios/s5-subscribers.ts";
import { s9, s9k } from "./scenarios/s9-finished-jobs.ts";

const cores = { server: undefined, generator: undefined };

/** One round of each target, with all that the scenario checks of what comes. */
async function oneRound(scenario: Scenario, size: Size): Promise<RoundSamples> {
  const [round = new Map()] = await runScenario(scenario, { rounds: 1, size, cores });
  expect([...round.keys()]).toEqual(scenario.targets);
  return round;
}

test("S3: every target delivers the whole stream, in frames of the same size", async () => {
  const size = { warmUp: 50, measured: 200 };
  const round = await oneRound(s3, size);
  const frame = round.get("runtime")?.["frame"] ?? 0;
  for (const sample of round.values()) {
    expect(sample["frame"]).toBeCloseTo(frame, 0);
    expect(sample["rate"]).toBeGreaterThan(0);
    expect(sample["server cpu"]).toBeGreaterThan(0);
    expect(sample["server rss"]).toBeGreaterThan(10);
  }
  const { goals } = reportOf(s3, size, [round]);
  const rate = (target: "L1" | "runtime") => round.get(target)?.["rate"] ?? Number.NaN;
  expect(goals[0]?.reached.median).toBeCloseTo(rate("runtime") / rate("L1"));
}, 30_000);

test.each([s9, s9k])(
  "$id: what finished jobs hold is told",
  async (scenario) => {
    const round = await oneRound(scenario, { warmUp: 100, measured: 500 });
    expect(round.get("runtime")?.["held"]).toBeGreaterThan(0);
  },
  30_000,
);

test("S1: every submit gets its result, and a bare commit is measured beside", async () => {
  const size = { warmUp: 5, measured: 20 };
  const round = await oneRound(s1, size);
  for (const sample of round.values()) {
    expect(sample["p50"]).toBeGreaterThan(0);
    expect(sample["p99"]).toBeGreaterThanOrEqual(sample["p50"] ?? Number.NaN);
  }
  const commits = reportOf(s1, size, [round]).goals.find(({ id }) => id === "S1d");
  const { p50 = 0, commit = 0 } = round.get("runtime-sqlite") ?? {};
  expect(commit).toBeGreaterThan(0);
  const beyond = p50 - (round.get("L1")?.["p50"] ?? 0);
  expect(commits?.reached.median).toBeCloseTo(beyond / commit);
}, 30_000);

test.each([
  [s2, { warmUp: 10, measured: 200 }],
  [s2c, { warmUp: 10, measured: 200 }],
  [s3c, { warmUp: 50, measured: 300 }],
  [s4, { warmUp: 80, measured: 800 }],
  [s5, { warmUp: 10 * 51, measured: 20 * 51 }],
])(
  "$id: every target does all of it",
  async (scenario, size) => {
    for (const sample of (await oneRound(scenario, size)).values()) {
      expect(sample["rate"]).toBeGreaterThan(0);
    }
  },
  30_000,
);
