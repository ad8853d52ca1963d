import { expect, test } from "vitest";
import { formatReport, reportOf } from "./report.ts";
import type { Sample } from "./scenario.ts";
import { client } from "./scenario-client.ts";
import { events } from "./scenario-events.ts";

const size = { warmUp: 10, measured: 100 };

function sample(rate: number, cpu: number, generatorLoad = 40): Sample {
  const loads = { "server load": 99, "generator load": generatorLoad };
  return { rate, frame: 390.5, "server cpu": cpu, "server rss": 100, ...loads };
}

test("a report has the spread of every figure and the ratios of ours to each limit", () => {
  const report = reportOf(
    events,
    size,
    new Map([
      ["raw-stringify", [sample(100, 8), sample(200, 4), sample(110, 8)]],
      ["raw-cork", [sample(400, 2), sample(800, 1), sample(440, 2)]],
      ["raw-splice", [sample(1000, 1), sample(2000, 0.5), sample(1000, 1)]],
      ["runtime", [sample(200, 4), sample(400, 2), sample(275, 4)]],
      ["runtime-sqlite", [sample(20, 40), sample(50, 20), sample(30, 40)]],
    ]),
  );
  const ratios = (target: string, limit: string) =>
    report.comparisons.find((one) => one.target === target && one.limit === limit)?.ratios;
  expect(report.runs).toBe(3);
  expect(report.targets["runtime"]?.["rate"]).toEqual({ median: 275, min: 200, max: 400 });
  const ours = ratios("runtime", "raw-stringify");
  expect(ours?.["rate"]).toEqual({ median: 2, min: 2, max: 2.5 });
  expect(ratios("runtime", "raw-cork")?.["rate"]).toEqual({ median: 0.5, min: 0.5, max: 0.625 });
  expect(ratios("runtime", "raw-cork")?.["server cpu"]?.median).toBe(2);
  expect(ratios("runtime-sqlite", "raw-stringify")?.["rate"]?.median).toBe(0.25);
  expect(ours).not.toHaveProperty("frame");
  expect(report.warnings).toEqual([]);

  const table = formatReport(report);
  expect(table).toMatch(/^ +rate, events\/s +frame, bytes\/event +server cpu, us\/event /m);
  expect(table).toMatch(/^runtime +275 \(200 to 400\) /m);
  expect(table).toMatch(/^runtime-sqlite +30 \(20 to 50\) /m);
  expect(table).toMatch(/^runtime \/ raw-stringify +2\.00 \(2\.00 to 2\.50\) /m);
});

test("says of each aim whether the median of paired runs reached it", () => {
  const aim = { metric: "rate", target: "runtime-sqlite", limit: "raw-stringify" } as const;
  const aims = [0.25, 0.26].map((atLeast) => ({ ...aim, atLeast }));
  const samples = new Map([
    ["raw-stringify" as const, [sample(100, 8), sample(100, 8), sample(1000, 8)]],
    ["runtime" as const, [sample(200, 4), sample(200, 4), sample(200, 4)]],
    ["runtime-sqlite" as const, [sample(24, 4), sample(25, 4), sample(900, 4)]],
  ]);
  const report = reportOf({ ...events, limits: ["raw-stringify"], aims }, size, samples);
  expect(report.aims).toEqual([
    { ...aim, atLeast: 0.25, reached: 0.25, figure: 25, holds: true },
    { ...aim, atLeast: 0.26, reached: 0.25, figure: 25, holds: false },
  ]);
  const sentences = formatReport(report).match(/^The aim .*/gm);
  expect(sentences).toEqual([
    "The aim holds: rate of runtime-sqlite / raw-stringify at least 0.25, reached 0.25",
    "The aim is missed: rate of runtime-sqlite / raw-stringify at least 0.26, reached 0.25",
  ]);
});

test.each([
  [[64_000, 64_999, 65_000], [16_000, 16_000, 16_000], "64,999 events/s, 4.06 x", false],
  [[64_000, 65_000, 66_000], [16_000, 16_000, 16_000], "65,000 events/s, 4.06 x", true],
  [[9_000, 9_000, 9_000], [2_000, 2_000, 3_000], "9,000 events/s, 4.50 x", true],
  [[8_900, 9_000, 9_000], [2_000, 2_000, 2_000], "9,000 events/s, 4.50 x", true],
  [[8_900, 8_900, 9_000], [2_000, 2_000, 2_000], "8,900 events/s, 4.45 x", false],
])("of the lower of two bounds: %j beside %j", (ours, theirs, figures, holds) => {
  const samples = new Map([
    ["graphql-ws" as const, theirs.map((rate) => sample(rate, 40))],
    ["runtime" as const, ours.map((rate) => sample(rate, 8))],
  ]);
  const report = reportOf(client, size, samples);
  expect(report.aims.map((aim) => aim.holds)).toEqual([holds]);
  expect(formatReport(report)).toContain(
    `S3c: ${figures} graphql-ws: ${holds ? "holds" : "does not hold"} (bound: min(65,000, 4.5 x graphql-ws))`,
  );
});

test("a saturated generator is told, since it may be what limits the rate", () => {
  const busy = new Map([
    ["raw-splice" as const, [sample(1000, 1, 99), sample(1000, 1, 97)]],
    ["runtime" as const, [sample(200, 4), sample(200, 4)]],
    ["runtime-sqlite" as const, [sample(20, 40), sample(20, 40)]],
  ]);
  const { warnings } = reportOf({ ...events, limits: ["raw-splice"] }, size, busy);
  expect(warnings).toEqual([
    expect.stringMatching(/^raw-splice: the load generator was saturated/),
  ]);
});
