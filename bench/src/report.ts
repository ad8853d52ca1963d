import { metricsOf, type RoundSamples } from "./run.ts";
import type { Goal, Metric, Round, Scenario, Size } from "./scenario.ts";
import { type Spread, spread } from "./statistics.ts";
import type { TargetName } from "./targets/target.ts";

/** Per cent of its core from which a generator may be what limits the rate. */
const SATURATED = 90;

/** A goal, and what was reached. */
export interface GoalOutcome extends Omit<Goal, "of"> {
  /** Of all rounds; the median decides. */
  readonly reached: Spread;
  readonly verdict: "aim" | "must" | "missed";
}

/** The result of a scenario. */
export interface ScenarioReport {
  readonly id: string;
  readonly title: string;
  readonly size: Size;
  readonly rounds: number;
  readonly metrics: readonly Metric[];
  /** By target, then by metric. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  readonly goals: readonly GoalOutcome[];
  /** What to know before the figures are trusted. */
  readonly warnings: readonly string[];
}

/** @param rounds at least one */
export function reportOf(
  scenario: Scenario,
  size: Size,
  rounds: readonly RoundSamples[],
): ScenarioReport {
  const metrics = metricsOf(scenario);
  const values = (target: TargetName, metric: string): number[] =>
    rounds.flatMap((samples) => samples.get(target)?.[metric] ?? []);
  return {
    id: scenario.id,
    title: scenario.title,
    size,
    rounds: rounds.length,
    metrics,
    targets: Object.fromEntries(
      scenario.targets.map((target) => [
        target,
        Object.fromEntries(
          metrics.flatMap(({ name }) => {
            const all = values(target, name);
            return all.length === 0 ? [] : [[name, spread(all)]];
          }),
        ),
      ]),
    ),
    goals: scenario.goals.map((goal) => outcomeOf(goal, rounds)),
    warnings: scenario.targets.flatMap((target) => {
      if (spread(values(target, "generator load")).median < SATURATED) return [];
      return [`${target}: the load generator was saturated; the server may be faster than this`];
    }),
  };
}

function outcomeOf({ of, ...goal }: Goal, rounds: readonly RoundSamples[]): GoalOutcome {
  const reached = spread(rounds.map((samples) => of(roundOf(samples))));
  const holds = (bound: number): boolean =>
    goal.better === "higher" ? reached.median >= bound : reached.median <= bound;
  const verdict = holds(goal.aim) ? "aim" : holds(goal.must) ? "must" : "missed";
  return { ...goal, reached, verdict };
}

function roundOf(samples: RoundSamples): Round {
  return (target, metric) => {
    const value = samples.get(target)?.[metric];
    if (value === undefined) throw new Error(`there is no ${metric} of ${target}`);
    return value;
  };
}
