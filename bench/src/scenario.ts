import type { LimitName, OursName, TargetName } from "./targets/target.ts";

/** A figure of one run. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Decimal places that mean something. */
  readonly digits: number;
  /** Whether the ratio of ours to a raw limit tells something. */
  readonly compared: boolean;
}

/** The figures of one run, by metric. */
export type Sample = Readonly<Record<string, number>>;

/** How much one run does. */
export interface Size {
  /** Operations before the measured ones, so that code is compiled and buffers have grown. */
  readonly warmUp: number;
  readonly measured: number;
}

/** What a ratio of paired runs has to reach, as a median. */
export interface Aim {
  readonly metric: string;
  readonly target: TargetName;
  readonly limit: LimitName;
  readonly atLeast: number;
  /** So much of the metric itself is enough, whatever the ratio. */
  readonly enough?: Enough;
}

/** What is fast enough on any machine. */
export interface Enough {
  /** What the verdict is called. */
  readonly name: string;
  readonly figure: number;
  readonly unit: string;
}

/** Load on a warm server. */
export interface Load {
  /** Does the measured operations. @returns the figures that the generator sees */
  measure(): Promise<Sample>;
}

/** What is done to every target, and what is looked at. The same object describes it and is the generator's part. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is counted, in the singular. */
  readonly operation: string;
  readonly size: Size;
  /** What ours is compared with. */
  readonly limits: readonly LimitName[];
  readonly ours: readonly OursName[];
  readonly aims: readonly Aim[];
  /** What the generator sees; the figures of the processes are added to these. */
  readonly metrics: readonly Metric[];
  /** The events of each job of a run, in order. */
  jobs(size: Size): readonly number[];
  /** Connects and warms up. */
  prepare(url: string, size: Size, target: TargetName): Promise<Load>;
}
