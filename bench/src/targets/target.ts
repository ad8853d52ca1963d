import type { Limits } from "@arcp/runtime";

/**
 * The servers that are compared. `L1` and `L2` are the raw limits of the machine, `L1-durable` is the first with commits,
 * `L1-unheld` with commits that delay no client, `L1-kept` with a log, `graphql-ws` another protocol as its users have it, and the
 * others are the runtime, by its store.
 */
export type TargetName =
  | "L1"
  | "L1-durable"
  | "L1-kept"
  | "L1-unheld"
  | "L2"
  | "graphql-ws"
  | "runtime"
  | "runtime-sqlite";

/** What both stores are compared with, unless a scenario says otherwise. */
export const USUAL_TARGETS: readonly TargetName[] = ["L1", "L2", "runtime", "runtime-sqlite"];

/** What a scenario needs to differ from the defaults. */
export interface ServerOptions {
  /** Of the runtime. */
  readonly limits?: Partial<Limits>;
  /** Of the process of the server. */
  readonly nodeOptions?: readonly string[];
}

export interface TargetOptions extends ServerOptions {
  /** Empty, on a disk, and removed when the run has ended. */
  readonly directory: string;
}

/** Starts a server on 127.0.0.1, which lives as long as its process. @returns the URL to connect to */
export type StartTarget = (options: TargetOptions) => Promise<string>;
