import { expect, test } from "vitest";
import { atLeast, atMost } from "./goal.ts";
import { reportOf } from "./report.ts";
import { reportText } from "./report-text.ts";
import type { Goal, Sample, Scenario } from "./scenario.ts";
import { s3c } from "./scenarios/s3c-client-events.ts";
import type { TargetName } from "./targets/target.ts";

const size = { warmUp: 10, measured: 100 };

function scenario(...goals: readonly Goal[]): Scenario {
  return {
    id: "S0",
    title: "an example",
    operation: "event",
    size,
    targets: ["L1", "runtime"],
    metrics: [{ name: "rate", unit: "events/s", digits: 0 }],
    goals,
    prepare: () => Promise.reject(new Error("nothing is measured here")),
  };
}

function sample(rate: number, cpu = 4, generatorLoad = 40): Sample {
  const loads = { "server load": 99, "generator load": generatorLoad };
  return { rate, "server cpu": cpu, "server rss": 100, ...loads };
}

/** Rounds of `L1` and ours, by their rates. */
function rounds(...rates: ReadonlyArray<readonly [number, number]>) {
  return rates.map(
    ([raw, ours]) =>
      new Map<TargetName, Sample>([
        ["L1", sample(raw)],
        ["runtime", sample(ours)],
      ]),
  );
}

test("a report has the spread of every figure, and of the ratios of paired runs", () => {
  const goal = atLeast({ id: "S0", metric: "rate", must: 1, aim: 2 });
  const report = reportOf(scenario(goal), size, rounds([100, 200], [200, 400], [110, 275]));
  expect(report.rounds).toBe(3);
  expect(report.targets["runtime"]?.["rate"]).toEqual({ median: 275, min: 200, max: 400 });
  expect(report.goals).toEqual([
    expect.objectContaining({ reached: { median: 2, min: 2, max: 2.5 }, verdict: "aim" }),
  ]);
  const text = reportText(report);
  expect(text).toMatch(/^ +rate, events\/s +server cpu, µs\/event /m);
  expect(text).toMatch(/^runtime +275 \(200 to 400\) /m);
  expect(text).toContain(
    "S0: rate of runtime over L1: 2.00 (2.00 to 2.50) x: holds, and the aim is reached (at least 1.00 x, aim 2.00)",
  );
});

test("the median of the paired runs decides, not the ratio of the medians", () => {
  const goal = atLeast({ id: "S0", metric: "rate", must: 1, aim: 1 });
  // The medians are 100 and 200.
  const report = reportOf(scenario(goal), size, rounds([100, 50], [1000, 200], [90, 900]));
  expect(report.goals[0]).toMatchObject({ reached: { median: 0.5 }, verdict: "missed" });
});

test.each([
  [1.21, "must"],
  [1.2, "aim"],
  [1.5, "must"],
  [1.51, "missed"],
])("of what should be small, %d of at most 1.5 with an aim of 1.2: %s", (ratio, verdict) => {
  const goal = atMost({ id: "S0", metric: "rate", must: 1.5, aim: 1.2 });
  const report = reportOf(scenario(goal), size, rounds([100, ratio * 100]));
  expect(report.goals[0]?.verdict).toBe(verdict);
});

test.each([
  [64_999, 16_000, "missed"],
  [65_000, 16_000, "aim"],
  [9_000, 2_000, "aim"],
  [8_999, 2_000, "missed"],
])("S3c: %d events per second beside %d of graphql-ws: %s", (ours, theirs, verdict) => {
  const round = new Map<TargetName, Sample>([
    ["graphql-ws", sample(theirs)],
    ["L1", sample(1)],
    ["runtime", sample(ours)],
    ["runtime-sqlite", sample(1)],
  ]);
  expect(reportOf(s3c, size, [round]).goals.map((goal) => goal.verdict)).toEqual([verdict]);
});

test("a figure that only some targets have is left empty for the others", () => {
  const round = new Map<TargetName, Sample>([
    ["L1", sample(100)],
    ["runtime", { ...sample(100), growth: 3 }],
  ]);
  const metrics = [{ name: "growth", unit: "KiB", digits: 0 }];
  const report = reportOf({ ...scenario(), metrics }, size, [round]);
  expect(report.targets["L1"]).not.toHaveProperty("growth");
  expect(reportText(report)).toMatch(/^L1 {2,}4\.00 /m);
});

test("a saturated generator is reported, since it may be what limits the rate", () => {
  const busy = new Map<TargetName, Sample>([
    ["L1", sample(1000, 1, 97)],
    ["runtime", sample(200)],
  ]);
  const { warnings } = reportOf(scenario(), size, [busy]);
  expect(warnings).toEqual([expect.stringMatching(/^L1: the load generator was saturated/)]);
});
