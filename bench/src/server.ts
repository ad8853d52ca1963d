import { answerCalls } from "./calls.ts";
import { type ProfileRow, startProfile, stopProfile } from "./profile.ts";
import type { StartTarget, TargetName, TargetOptions } from "./targets/target.ts";
import { type Memory, memoryAtRest, PeakMemory, type Usage, usageOfThisProcess } from "./usage.ts";

/** The process of the server under test. */
export type ServerCalls = {
  readonly start: (options: TargetOptions & { readonly target: TargetName }) => Promise<string>;
  readonly usage: (nothing: null) => Promise<Usage>;
  /** What is left after all garbage is collected; the process must be started with `--expose-gc`. */
  readonly memoryAtRest: (nothing: null) => Promise<Memory>;
  /** Watches its resident memory from now on. */
  readonly watchMemory: (nothing: null) => Promise<void>;
  /** The peak since then, bytes. */
  readonly peakMemory: (nothing: null) => Promise<number>;
  readonly startProfile: (nothing: null) => Promise<void>;
  readonly stopProfile: (nothing: null) => Promise<readonly ProfileRow[]>;
};

// Loaded on demand: otherwise every process would hold the memory of all of them.
const targets: Record<TargetName, () => Promise<{ readonly start: StartTarget }>> = {
  L1: () => import("./targets/l1.ts"),
  "L1-durable": () => import("./targets/l1-durable.ts"),
  "L1-kept": () => import("./targets/l1-kept.ts"),
  "L1-unheld": () => import("./targets/l1-unheld.ts"),
  L2: () => import("./targets/l2.ts"),
  "graphql-ws": () => import("./targets/graphql-ws.ts"),
  runtime: () => import("./targets/runtime.ts"),
  "runtime-sqlite": () => import("./targets/runtime-sqlite.ts"),
};

const peak = new PeakMemory();

const calls: ServerCalls = {
  async start({ target, ...options }) {
    const { start } = await targets[target]();
    return start(options);
  },
  usage: async () => usageOfThisProcess(),
  memoryAtRest,
  watchMemory: async () => peak.watch(),
  peakMemory: async () => peak.bytes,
  startProfile,
  stopProfile,
};
answerCalls(calls);
