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
import { s7 } from "./scenarios/s7-resume.ts";
import { s8 } from "./scenarios/s8-chunks.ts";
import { s8r } from "./scenarios/s8r-chunks-again.ts";
import { s9 } from "./scenarios/s9-finished-jobs.ts";
import { s9c } from "./scenarios/s9c-submit-cost.ts";
import type { TargetName } from "./targets/target.ts";

const cores = { server: undefined, generator: undefined };

/** One round, with everything that the scenario checks. Each target starts two more processes, which takes time. */
async function oneRound(
  scenario: Scenario,
  size: Size,
  targets: readonly TargetName[] = ["L1", "runtime"],
): Promise<RoundSamples> {
  const chosen = { ...scenario, targets };
  const [round = new Map()] = await runScenario(chosen, { rounds: 1, size, cores });
  expect([...round.keys()]).toEqual(targets);
  return round;
}

test.concurrent("S3: every target delivers the whole stream, in frames of the same size", async () => {
  const size = { warmUp: 50, measured: 200 };
  const round = await oneRound(s3, size, s3.targets);
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
});

test.concurrent("S9: the memory that finished jobs hold is reported", async () => {
  const round = await oneRound(s9, { warmUp: 100, measured: 500 }, ["runtime"]);
  expect(round.get("runtime")?.["memory"]).toBeGreaterThan(0);
});

// The second one, since its jobs have keys, unlike those of S9.
test.concurrent.each(s9c.slice(1))(
  "$id: the server's time is reported for parts of the load",
  async (scenario) => {
    const round = await oneRound(scenario, { warmUp: 50, measured: 550 }, ["runtime"]);
    const { "server cpu": all = 0, ...sample } = round.get("runtime") ?? {};
    for (const { name } of scenario.metrics) {
      // Per submit, like the figure for all of them.
      expect(sample[name]).toBeGreaterThan(all / 10);
      expect(sample[name]).toBeLessThan(all * 10);
    }
  },
);

test.concurrent("S1: every submit gets its result, and L1's cost of a commit is the unit for the store's", async () => {
  const size = { warmUp: 5, measured: 20 };
  const round = await oneRound(s1, size, s1.targets);
  for (const sample of round.values()) {
    expect(sample["p50"]).toBeGreaterThan(0);
    expect(sample["p99"]).toBeGreaterThanOrEqual(sample["p50"] ?? Number.NaN);
  }
  const commits = reportOf(s1, size, [round]).goals.find(({ id }) => id === "S1d");
  const beyond = (target: TargetName): number =>
    (round.get(target)?.["p50"] ?? 0) - (round.get("L1")?.["p50"] ?? 0);
  const commit = beyond("L1-durable") / 2;
  expect(commits?.reached.median).toBeCloseTo(beyond("runtime-sqlite") / commit);
});

test.concurrent.each<[Scenario, Size, (readonly TargetName[])?]>([
  [s2, { warmUp: 10, measured: 200 }],
  [s2c, { warmUp: 10, measured: 200 }],
  [s3c, { warmUp: 50, measured: 300 }, s3c.targets],
  [s4, { warmUp: 80, measured: 800 }],
  [s5, { warmUp: 10 * 51, measured: 20 * 51 }],
])("$id: every operation completes", async (scenario, size, targets) => {
  for (const sample of (await oneRound(scenario, size, targets)).values()) {
    expect(sample["rate"]).toBeGreaterThan(0);
  }
});

test.concurrent.each(s7)(
  "$id: every target delivers everything after the number",
  async (scenario) => {
    for (const sample of (await oneRound(scenario, { warmUp: 20, measured: 700 })).values()) {
      expect(sample["time"]).toBeGreaterThan(0);
    }
  },
);

test.concurrent.each(s8r)("$id: every target sends the chunks again", async (scenario) => {
  for (const sample of (await oneRound(scenario, { warmUp: 1, measured: 2 })).values()) {
    expect(sample["rate"]).toBeGreaterThan(0);
  }
});

test.concurrent.each(s8)("$id: every target streams the same chunks", async (scenario) => {
  const targets = ["L1", "L1-kept", "L2", "runtime"] as const;
  const round = await oneRound(scenario, { warmUp: 1, measured: 5 }, targets);
  const frame = round.get("runtime")?.["frame"] ?? 0;
  for (const sample of round.values()) {
    expect(sample["rate"]).toBeGreaterThan(0);
    expect(sample["frame"]).toBeCloseTo(frame, 0);
  }
});
