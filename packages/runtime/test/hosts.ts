import { ManualClock } from "@arcp/core";
import { pino } from "pino";
import { type Agent, defineAgent } from "../src/agents/agent.ts";
import type { AgentContext } from "../src/agents/context.ts";
import { tokenTable } from "../src/auth.ts";
import { createRuntime, type Runtime } from "../src/runtime.ts";
import type { RuntimeOptions } from "../src/runtime-options.ts";
import type { Store } from "../src/store/index.ts";
import { memoryStore } from "../src/store/memory-store.ts";
import type { Viewer } from "./viewer.ts";

/** One run of the agent `led`, controlled by the test. */
export interface LedRun {
  readonly ctx: AgentContext;
  readonly end: (value: unknown) => void;
}

type HostsOptions = Partial<Omit<RuntimeOptions, "store" | "clock" | "auth">> & {
  readonly led?: Partial<Agent>;
};

/**
 * Consecutive processes on one store. A crash takes the store away from the old process without warning: the calls of a
 * dead process are never answered.
 */
export function hosts({ led = {}, agents = [], ...options }: HostsOptions = {}) {
  const inner = memoryStore();
  const clock = new ManualClock();
  let generation = 0;
  let next = Promise.withResolvers<LedRun>();
  let runs = 0;
  const agent = defineAgent({
    name: "led",
    ...led,
    run(ctx) {
      const ended = Promise.withResolvers<unknown>();
      runs += 1;
      next.resolve({ ctx, end: ended.resolve });
      next = Promise.withResolvers();
      return ended.promise;
    },
  });
  const start = (again: Partial<RuntimeOptions> = {}): Runtime => {
    generation += 1;
    const own = generation;
    const alive = <T extends object>(part: T): T =>
      new Proxy(part, {
        get(target, name) {
          const member = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return (...args: unknown[]) =>
            own === generation ? member.apply(target, args) : new Promise(() => {});
        },
      });
    const store: Store = {
      ...inner,
      durable: true,
      logs: alive(inner.logs),
      jobs: alive(inner.jobs),
      sessions: alive(inner.sessions),
      idempotency: alive(inner.idempotency),
      credentials: alive(inner.credentials),
    };
    return createRuntime({
      agents: [agent, ...agents],
      auth: tokenTable({ secret: "alice", other: "bob" }),
      store,
      clock,
      logger: pino({ level: "silent" }),
      ...options,
      ...again,
    });
  };
  const submit = async (viewer: Viewer, rest: object = {}) => {
    const run = next.promise;
    const { job_id } = await viewer.submit("led", null, rest);
    return { id: job_id ?? "", ...(await run) };
  };
  return {
    /** Starts a process; the one before is dead from now on. */
    start,
    submit,
    clock,
    store: inner,
    /** The next run of `led` that begins. */
    nextRun: () => next.promise,
    /** How many runs of `led` have begun. */
    runs: () => runs,
  };
}
