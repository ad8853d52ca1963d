import { expect, test } from "vitest";
import { formatReport, reportOf } from "./report.ts";
import { runScenario } from "./run.ts";
import { client } from "./scenario-client.ts";
import { events } from "./scenario-events.ts";
import { latency } from "./scenario-latency.ts";
import { OURS } from "./targets/target.ts";

const unpinned = { server: undefined, generator: undefined };

test("events: every target delivers the whole stream, in frames of the same size", async () => {
  const size = { warmUp: 50, measured: 200 };
  const report = reportOf(
    events,
    size,
    await runScenario(events, { runs: 1, size, cores: unpinned }),
  );
  expect(Object.keys(report.targets)).toEqual([...events.limits, ...OURS]);
  const frame = report.targets["runtime"]?.["frame"]?.median ?? 0;
  for (const figures of Object.values(report.targets)) {
    expect(figures["frame"]?.median).toBeCloseTo(frame, 0);
    expect(figures["rate"]?.median).toBeGreaterThan(0);
    expect(figures["server cpu"]?.median).toBeGreaterThan(0);
    expect(figures["server rss"]?.median).toBeGreaterThan(10);
  }
  expect(report.comparisons).toHaveLength(OURS.length * events.limits.length);
  for (const { target, limit, ratios } of report.comparisons) {
    const limitRate = report.targets[limit]?.["rate"]?.median ?? Number.NaN;
    const rate = report.targets[target]?.["rate"]?.median ?? Number.NaN;
    expect(ratios["rate"]?.median).toBeCloseTo(rate / limitRate);
  }
}, 30_000);

test("latency: every submit gets its result", async () => {
  const size = { warmUp: 5, measured: 20 };
  const samples = await runScenario(latency, { runs: 1, size, cores: unpinned });
  expect([...samples.keys()]).toEqual([...latency.limits, ...OURS]);
  for (const [sample] of samples.values()) {
    expect(sample?.["p50"]).toBeGreaterThan(0);
    expect(sample?.["p99"]).toBeGreaterThanOrEqual(sample?.["p50"] ?? Number.NaN);
  }
}, 30_000);

test("client: our client and that of graphql-ws read the whole stream", async () => {
  const size = { warmUp: 50, measured: 300 };
  const samples = await runScenario(client, { runs: 2, size, cores: unpinned });
  expect([...samples.keys()]).toEqual(["graphql-ws", "runtime"]);
  for (const runs of samples.values()) {
    expect(runs).toHaveLength(2);
    for (const sample of runs) expect(sample["rate"]).toBeGreaterThan(0);
  }
  const report = formatReport(reportOf(client, size, samples));
  expect(report).toMatch(/^S3c: [\d,]+ events\/s, [\d.]+ x graphql-ws: (holds|does not hold) /m);
}, 30_000);
