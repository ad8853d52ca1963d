import type { Goal } from "./scenario.ts";
import type { TargetName } from "./targets/target.ts";

interface RatioOptions {
  readonly id: string;
  readonly metric: string;
  /** Ours. Default `runtime`. */
  readonly target?: TargetName;
  /** What it is compared with. Default `L1`. */
  readonly over?: TargetName;
  readonly must: number;
  readonly aim: number;
}

/** A figure of ours must be at least this many times that of a limit. */
export function atLeast(options: RatioOptions): Goal {
  return { ...ratio(options), better: "higher" };
}

/** A figure of ours may be at most this many times that of a limit. */
export function atMost(options: RatioOptions): Goal {
  return { ...ratio(options), better: "lower" };
}

function ratio({ id, metric, target = "runtime", over = "L1", must, aim }: RatioOptions) {
  return {
    id,
    title: `${metric} of ${target} over ${over}`,
    unit: "x",
    digits: 2,
    must,
    aim,
    of: (round: (target: TargetName, metric: string) => number) =>
      round(target, metric) / round(over, metric),
  };
}

interface FigureOptions {
  readonly id: string;
  readonly metric: string;
  readonly unit: string;
  /** Default `runtime`. */
  readonly target?: TargetName;
  /** Significant decimal places. Default 1. */
  readonly digits?: number;
  readonly must: number;
  readonly aim: number;
}

/** A figure of ours may be at most this much, whatever that of a limit is. */
export function noMoreThan({
  metric,
  target = "runtime",
  digits = 1,
  ...rest
}: FigureOptions): Goal {
  return {
    ...rest,
    title: `${metric} of ${target}`,
    digits,
    better: "lower",
    of: (round) => round(target, metric),
  };
}
