/** What ours is compared with: the raw limits of the machine, and another protocol as its users have it. */
export type LimitName = "raw-stringify" | "raw-cork" | "raw-splice" | "graphql-ws";

/** The runtime, by its store. */
export const OURS = ["runtime", "runtime-sqlite"] as const;
export type OursName = (typeof OURS)[number];

/** The servers that are compared. */
export type TargetName = LimitName | OursName;

export interface TargetOptions {
  /** The events of each job that will be submitted, in order: a target may prepare for them before it listens. */
  readonly jobs: readonly number[];
  /** Empty, on a disk, and removed when the run is over. */
  readonly directory: string;
}

/** Starts a server on 127.0.0.1. Its life ends with its process. @returns the URL to connect to */
export type StartTarget = (options: TargetOptions) => Promise<string>;

/** The agent that all targets offer; a raw server only pretends to have it. */
export const AGENT = "stepper";

/** What the agent takes: how many events to emit before it returns. */
export interface AgentInput {
  readonly events: number;
}

/** Part of each event, so that a small event has a small but not an empty body. */
export const ITEM = "page-of-a-document";
