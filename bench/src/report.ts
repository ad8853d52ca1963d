import { metricsOf, type Samples } from "./run.ts";
import type { Metric, Scenario, Size } from "./scenario.ts";
import { pairedRatios, type Spread, spread } from "./statistics.ts";
import type { TargetName } from "./targets/target.ts";

/** Per cent of its core from which a generator may be what limits the rate. */
const SATURATED = 90;

type Figures = Readonly<Record<string, Spread>>;

/** What `--json` writes of a scenario. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly title: string;
  readonly size: Size;
  readonly runs: number;
  readonly metrics: readonly Metric[];
  /** By target, then by metric. */
  readonly targets: Readonly<Record<string, Figures>>;
  /** The runtime over a raw limit, of paired runs: by limit, then by metric. */
  readonly ratios: Readonly<Record<string, Figures>>;
  /** What to know before the figures are believed. */
  readonly warnings: readonly string[];
}

export function reportOf(scenario: Scenario, size: Size, samples: Samples): ScenarioReport {
  const metrics = metricsOf(scenario).map((metric) => ({
    ...metric,
    unit: metric.unit.replace("operation", scenario.operation),
  }));
  const compared = metrics.filter((metric) => metric.compared);
  const values = (target: TargetName, { name }: Metric) =>
    (samples.get(target) ?? []).map((sample) => sample[name] ?? Number.NaN);
  const targets = [...samples.keys()];
  return {
    scenario: scenario.name,
    title: scenario.title,
    size,
    runs: samples.get("runtime")?.length ?? 0,
    metrics,
    targets: tabulate(targets, metrics, (target, metric) => spread(values(target, metric))),
    ratios: tabulate(scenario.limits, compared, (limit, metric) =>
      pairedRatios(values("runtime", metric), values(limit, metric)),
    ),
    warnings: targets.flatMap((target) => {
      const loads = (samples.get(target) ?? []).map((sample) => sample["generator load"] ?? 0);
      if (spread(loads).median < SATURATED) return [];
      return [`${target}: the load generator was saturated, the server may be faster than this`];
    }),
  };
}

/** A report as a table for a terminal. */
export function formatReport(report: ScenarioReport): string {
  const { size, runs, metrics, warnings } = report;
  const targets = Object.keys(report.targets);
  const limits = Object.keys(report.ratios);
  const header = ["", "", ...targets, ...limits.map((limit) => `runtime / ${limit}`)];
  const rows = metrics.map(({ name, unit, digits }) => [
    name,
    unit,
    ...targets.map((target) => formatSpread(report.targets[target]?.[name], digits)),
    ...limits.map((limit) => formatSpread(report.ratios[limit]?.[name], 2)),
  ]);
  return [
    `${report.scenario}: ${report.title}`,
    `${size.measured} after ${size.warmUp} to warm up, runs: ${runs}; median (min to max)`,
    "",
    ...align([header, ...rows]),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

function tabulate(
  targets: readonly TargetName[],
  metrics: readonly Metric[],
  cell: (target: TargetName, metric: Metric) => Spread,
): Record<string, Figures> {
  const row = (target: TargetName): Figures =>
    Object.fromEntries(metrics.map((metric) => [metric.name, cell(target, metric)]));
  return Object.fromEntries(targets.map((target) => [target, row(target)]));
}

function formatSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "";
  const format = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${format(spread.median)} (${format(spread.min)} to ${format(spread.max)})`;
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
