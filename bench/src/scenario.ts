import type { ServerCalls } from "./server.ts";
import type { ServerOptions, TargetName } from "./targets/target.ts";

/** A figure of one run. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Decimal places that mean something. */
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

/** A figure of a target in one round; throws when there is none. */
export type Round = (target: TargetName, metric: string) => number;

/** What has to be reached, as a median over all rounds. */
export interface Goal {
  /** Of the scenario, or of a variant of it, such as S3d. */
  readonly id: string;
  /** What is compared, in a few words. */
  readonly title: string;
  /** `x` for a ratio. */
  readonly unit: string;
  readonly digits: number;
  readonly better: "higher" | "lower";
  /** Less is a defect. */
  readonly must: number;
  /** Less is explained. */
  readonly aim: number;
  /** Targets of one round ran right after each other: what else the machine did weighs on all of them. */
  of(round: Round): number;
}

/** What a scenario may ask of the process of the server, which it measures. */
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
  /** Does the measured operations, or the next part of them. @returns the figures that the generator sees */
  measure(): Promise<Sample>;
}

/** A run whose load is over. */
export interface Finished {
  readonly target: TargetName;
  readonly size: Size;
  /** What `before` gave, and what the generator saw. */
  readonly sample: Sample;
  /** The server's processor time for each part of the load, microseconds. */
  readonly cpu: readonly number[];
}

/**
 * What is done to every target, and what is looked at. One object describes it, is the generator's part, and says what the
 * server has to be started with.
 */
export interface Scenario {
  /** As in `--only`: S1, S2 and so on. */
  readonly id: string;
  readonly title: string;
  /** What is counted, in the singular. */
  readonly operation: string;
  readonly size: Size;
  /** In the order in which they take turns. */
  readonly targets: readonly TargetName[];
  /** What the generator sees; the figures of the processes are added to these. */
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  readonly server?: ServerOptions;
  /**
   * Whether the warm-up goes to a server of its own, in the same process: then the code is compiled, and the server that is
   * measured has kept nothing yet.
   */
  readonly warmsElsewhere?: boolean;
  /** How many equal parts the load has, when what the server does for each is to be compared. Default 1. */
  readonly parts?: number;
  /** Runs in the generator: connects and warms up. */
  prepare(place: Place): Promise<Load>;
  /** Runs beside both, with the server warm and at rest. @returns more figures, such as the growth of its memory */
  before?(ask: AskServer, target: TargetName): Promise<Sample>;
  /** The same behind the load. */
  after?(ask: AskServer, run: Finished): Promise<Sample>;
}
