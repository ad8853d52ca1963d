import type { ServerCalls } from "./server.ts";
import type { ServerOptions, TargetName } from "./targets/target.ts";

/** A figure of one run. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Significant decimal places. */
  readonly digits: number;
}

/** The figures of one run, by metric. */
export type Sample = Readonly<Record<string, number>>;

/** How much one run does. */
export interface Size {
  /** Operations before the measured ones, so that code is compiled and buffers have grown. */
  readonly warmUp: number;
  readonly measured: number;
}

/** A figure of a target in one round; throws if there is none. */
export type Round = (target: TargetName, metric: string) => number;

/** What must be reached, as a median over all rounds. */
export interface Goal {
  /** Of the scenario, or of a variant of it, such as S3d. */
  readonly id: string;
  /** What is compared, in a few words. */
  readonly title: string;
  /** `x` for a ratio. */
  readonly unit: string;
  readonly digits: number;
  readonly better: "higher" | "lower";
  /** Anything worse is a defect. */
  readonly must: number;
  /** Anything worse must be explained. */
  readonly aim: number;
  /** The targets of one round ran right after each other: other load on the machine affects all of them. */
  of(round: Round): number;
}

/** What a scenario may ask of the server's process, which it measures. */
export type AskServer = <K extends keyof ServerCalls>(
  name: K,
  argument: Parameters<ServerCalls[K]>[0],
) => Promise<Awaited<ReturnType<ServerCalls[K]>>>;

/** Where the load goes. */
export interface Place {
  readonly url: string;
  readonly target: TargetName;
  readonly size: Size;
}

/** Load on a warm server. */
export interface Load {
  /** Performs the measured operations, or the next part of them. @returns the figures that the generator sees */
  measure(): Promise<Sample>;
}

/** A completed run. */
export interface Finished {
  readonly target: TargetName;
  readonly size: Size;
  /** The figures of `before`, and those of the generator. */
  readonly sample: Sample;
  /** The server's processor time for each part of the load, microseconds. */
  readonly cpu: readonly number[];
}

/**
 * What is done to every target, and what is observed. One object describes it, is the generator's part, and says how the server
 * must be started.
 */
export interface Scenario {
  /** As in `--only`: S1, S2 and so on. */
  readonly id: string;
  readonly title: string;
  /** The operation that is counted, in the singular. */
  readonly operation: string;
  readonly size: Size;
  /** In the order in which they take turns. */
  readonly targets: readonly TargetName[];
  /** The figures that the generator sees; those of the processes are added to them. */
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  readonly server?: ServerOptions;
  /**
   * Whether the warm-up goes to a server of its own, in the same process: then the code is compiled, and the server that is
   * measured has stored nothing yet.
   */
  readonly warmsElsewhere?: boolean;
  /** The number of equal parts of the load, if the server's work is to be compared between them. Default 1. */
  readonly parts?: number;
  /** Runs in the generator: connects and warms up. */
  prepare(place: Place): Promise<Load>;
  /** Runs beside both, with the server warm and idle. @returns further figures, such as the growth of its memory */
  before?(ask: AskServer, target: TargetName): Promise<Sample>;
  /** The same after the load. */
  after?(ask: AskServer, run: Finished): Promise<Sample>;
}
