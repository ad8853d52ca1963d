import { bareCommit } from "./bare-commit.ts";
import { answerCalls } from "./calls.ts";
import { type ProfileRow, startProfile, stopProfile } from "./profile.ts";
import type { StartTarget, TargetName, TargetOptions } from "./targets/target.ts";
import { heldByThisProcess, type Usage, usageOfThisProcess } from "./usage.ts";

/** The process of the server under test. */
export type ServerCalls = {
  readonly start: (options: TargetOptions & { readonly target: TargetName }) => Promise<string>;
  readonly usage: (nothing: null) => Promise<Usage>;
  /** What a commit costs at least on the disk of the run, microseconds. */
  readonly bareCommit: (nothing: null) => Promise<number>;
  readonly held: (nothing: null) => Promise<number>;
  readonly startProfile: (nothing: null) => Promise<void>;
  readonly stopProfile: (nothing: null) => Promise<readonly ProfileRow[]>;
};

// Loaded on demand, or every process would have the memory of all of them.
const targets: Record<TargetName, () => Promise<{ readonly start: StartTarget }>> = {
  L1: () => import("./targets/l1.ts"),
  L2: () => import("./targets/l2.ts"),
  "graphql-ws": () => import("./targets/graphql-ws.ts"),
  runtime: () => import("./targets/runtime.ts"),
  "runtime-sqlite": () => import("./targets/runtime-sqlite.ts"),
};

let directory = "";

const calls: ServerCalls = {
  async start({ target, ...options }) {
    directory = options.directory;
    const { start } = await targets[target]();
    return start(options);
  },
  usage: async () => usageOfThisProcess(),
  bareCommit: async () => bareCommit(directory),
  held: async () => heldByThisProcess(),
  startProfile,
  stopProfile,
};
answerCalls(calls);
