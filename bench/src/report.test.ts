import { expect, test } from "vitest";
import { formatReport, reportOf } from "./report.ts";
import type { Sample } from "./scenario.ts";
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
    ]),
  );
  expect(report.runs).toBe(3);
  expect(report.targets["runtime"]?.["rate"]).toEqual({ median: 275, min: 200, max: 400 });
  expect(report.ratios["raw-stringify"]?.["rate"]).toEqual({ median: 2, min: 2, max: 2.5 });
  expect(report.ratios["raw-cork"]?.["rate"]).toEqual({ median: 0.5, min: 0.5, max: 0.625 });
  expect(report.ratios["raw-cork"]?.["server cpu"]?.median).toBe(2);
  expect(report.ratios["raw-cork"]).not.toHaveProperty("frame");
  expect(report.warnings).toEqual([]);

  const table = formatReport(report);
  expect(table).toMatch(/^rate +events\/s .*275 \(200 to 400\) +2\.00 \(2\.00 to 2\.50\)/m);
  expect(table).toMatch(/^server cpu +us\/event /m);
});

test("a saturated generator is told, since it may be what limits the rate", () => {
  const busy = new Map([
    ["raw-splice" as const, [sample(1000, 1, 99), sample(1000, 1, 97)]],
    ["runtime" as const, [sample(200, 4), sample(200, 4)]],
  ]);
  const { warnings } = reportOf({ ...events, limits: ["raw-splice"] }, size, busy);
  expect(warnings).toEqual([
    expect.stringMatching(/^raw-splice: the load generator was saturated/),
  ]);
});
