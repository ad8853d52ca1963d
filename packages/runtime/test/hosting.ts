import { type JobId, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { type AnyAgent, defineAgent } from "../src/agents/agent.ts";
import type { AgentContext } from "../src/agents/context.ts";
import { tokenTable } from "../src/auth.ts";
import { createRuntime } from "../src/runtime.ts";
import type { RuntimeOptions } from "../src/runtime-options.ts";
import type { LogLimits } from "../src/store/memory-log.ts";
import { memoryStore } from "../src/store/memory-store.ts";
import { heldStore } from "./held-store.ts";
import type { Viewer } from "./viewer.ts";

/** A job whose agent does what the test says. */
export interface LedJob {
  readonly id: JobId;
  readonly ctx: AgentContext;
  readonly end: (value?: unknown) => void;
  readonly fail: (error: unknown) => void;
}

type HostingOptions = Partial<Omit<RuntimeOptions, "store" | "clock">> & {
  readonly clock?: ManualClock;
  readonly logLimits?: Partial<LogLimits>;
  readonly totalLogCharacters?: number;
};

/** A silent runtime whose store, clock and agent `led` the test controls. */
export function hosting({
  logLimits = {},
  totalLogCharacters,
  agents = [],
  clock = new ManualClock(),
  ...options
}: HostingOptions = {}) {
  const total = totalLogCharacters === undefined ? {} : { totalLogCharacters };
  const store = heldStore(memoryStore({ logLimits, ...total }));
  const begun = new Map<string, PromiseWithResolvers<Omit<LedJob, "id">>>();
  const led = (id: string) => {
    const known = begun.get(id) ?? Promise.withResolvers<Omit<LedJob, "id">>();
    begun.set(id, known);
    return known;
  };
  const agent: AnyAgent = defineAgent({
    name: "led",
    run(ctx) {
      const outcome = Promise.withResolvers<unknown>();
      led(ctx.job.id).resolve({ ctx, end: outcome.resolve, fail: outcome.reject });
      return outcome.promise;
    },
  });
  const runtime = createRuntime({
    agents: [agent, ...agents],
    auth: tokenTable({ secret: "alice", other: "bob" }),
    logger: pino({ level: "silent" }),
    ...options,
    store,
    clock,
  });
  const start = async (viewer: Viewer, rest: object = {}): Promise<LedJob> => {
    const { job_id = "" } = await viewer.submit("led", null, rest);
    return { id: job_id as JobId, ...(await led(job_id).promise) };
  };
  return { store, clock, runtime, start, begun };
}

/** `from`, `from` + 1, and so on. */
export const dense = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + i);
