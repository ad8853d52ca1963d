import { metricsOf, type Samples } from "./run.ts";
import type { Aim, Metric, Scenario, Size } from "./scenario.ts";
import { pairedRatios, type Spread, spread } from "./statistics.ts";
import { align } from "./table.ts";
import type { TargetName } from "./targets/target.ts";

/** Per cent of its core from which a generator may be what limits the rate. */
const SATURATED = 90;

/** By metric. */
type Figures = Readonly<Record<string, Spread>>;

/** One of ours over one raw limit, of paired runs. */
export interface Comparison {
  readonly target: TargetName;
  readonly limit: TargetName;
  readonly ratios: Figures;
}

/** An aim, and what was reached. */
export interface AimOutcome extends Aim {
  /** The median of the paired ratios. */
  readonly reached: number;
  /** The median of the metric itself. */
  readonly figure: number;
  readonly holds: boolean;
}

/** What `--json` writes of a scenario. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly title: string;
  readonly size: Size;
  readonly runs: number;
  readonly metrics: readonly Metric[];
  readonly targets: Readonly<Record<string, Figures>>;
  readonly comparisons: readonly Comparison[];
  readonly aims: readonly AimOutcome[];
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
  const comparisons = scenario.ours.flatMap((target) =>
    scenario.limits.map((limit) => ({
      target,
      limit,
      ratios: figures(compared, (metric) =>
        pairedRatios(values(target, metric), values(limit, metric)),
      ),
    })),
  );
  const figuresOf = (target: TargetName): Figures =>
    figures(metrics, (metric) => spread(values(target, metric)));
  return {
    scenario: scenario.name,
    title: scenario.title,
    size,
    runs: samples.get("runtime")?.length ?? 0,
    metrics,
    targets: Object.fromEntries(targets.map((target) => [target, figuresOf(target)])),
    comparisons,
    aims: scenario.aims.map((aim) => outcomeOf(aim, comparisons, figuresOf)),
    warnings: targets.flatMap((target) => {
      const loads = (samples.get(target) ?? []).map((sample) => sample["generator load"] ?? 0);
      if (spread(loads).median < SATURATED) return [];
      return [`${target}: the load generator was saturated, the server may be faster than this`];
    }),
  };
}

/** A report as tables for a terminal: the targets, then ours over each limit, then whether the aims hold. */
export function formatReport(report: ScenarioReport): string {
  const { size, runs, metrics, targets, comparisons, aims, warnings } = report;
  const compared = metrics.filter((metric) => metric.compared);
  const header = ["", ...metrics.map(({ name, unit }) => `${name}, ${unit}`)];
  const figureRows = Object.entries(targets).map(([target, figures]) => [
    target,
    ...metrics.map(({ name, digits }) => formatSpread(figures[name], digits)),
  ]);
  const ratioRows = comparisons.map(({ target, limit, ratios }) => [
    `${target} / ${limit}`,
    ...compared.map(({ name }) => formatSpread(ratios[name], 2)),
  ]);
  return [
    `${report.scenario}: ${report.title}`,
    `${size.measured} after ${size.warmUp} to warm up, runs: ${runs}; median (min to max)`,
    "",
    ...align([header, ...figureRows]),
    "",
    ...align([["", ...compared.map(({ name }) => name)], ...ratioRows]),
    "",
    ...aims.map(formatAim),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

function figures(metrics: readonly Metric[], figure: (metric: Metric) => Spread): Figures {
  return Object.fromEntries(metrics.map((metric) => [metric.name, figure(metric)]));
}

function outcomeOf(
  aim: Aim,
  comparisons: readonly Comparison[],
  figuresOf: (target: TargetName) => Figures,
): AimOutcome {
  const { ratios } =
    comparisons.find(({ target, limit }) => target === aim.target && limit === aim.limit) ?? {};
  const reached = ratios?.[aim.metric]?.median ?? Number.NaN;
  const figure = figuresOf(aim.target)[aim.metric]?.median ?? Number.NaN;
  const holds =
    reached >= aim.atLeast || figure >= (aim.enough?.figure ?? Number.POSITIVE_INFINITY);
  return { ...aim, reached, figure, holds };
}

function formatAim(outcome: AimOutcome): string {
  const { target, limit, metric, atLeast, enough, reached, figure, holds } = outcome;
  if (enough !== undefined) {
    const whole = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 });
    return [
      `${enough.name}: ${whole(figure)} ${enough.unit}, ${reached.toFixed(2)} x ${limit}:`,
      holds ? "holds" : "does not hold",
      `(bound: min(${whole(enough.figure)}, ${atLeast} x ${limit}))`,
    ].join(" ");
  }
  const verdict = holds ? "holds" : "is missed";
  return `The aim ${verdict}: ${metric} of ${target} / ${limit} at least ${atLeast}, reached ${reached.toFixed(2)}`;
}

function formatSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "";
  const format = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${format(spread.median)} (${format(spread.min)} to ${format(spread.max)})`;
}
