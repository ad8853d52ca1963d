import type { Agent, AgentContext } from "@arcp/runtime";
import { defineAgent } from "@arcp/runtime";

/** One run of an agent, played by the test. */
export interface Puppet {
  readonly ctx: AgentContext;
  readonly input: unknown;
  /** The agent returns. */
  finish(value?: unknown): void;
  /** The agent throws. */
  fail(error: unknown): void;
}

/** An agent that does nothing by itself: the test gets each of its runs and plays it. */
export class Puppets {
  readonly agent: Agent;
  readonly #runs: Puppet[] = [];
  readonly #waiting: Array<(run: Puppet) => void> = [];
  /** How often the agent was started. */
  started = 0;

  constructor(definition: Partial<Omit<Agent, "run">> = {}) {
    this.agent = defineAgent({
      name: "puppet",
      ...definition,
      run: (ctx: AgentContext, input: unknown) => {
        this.started += 1;
        const ending = Promise.withResolvers<unknown>();
        const run = { ctx, input, finish: ending.resolve, fail: ending.reject };
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#runs.push(run);
        else waiting(run);
        return ending.promise;
      },
    });
  }

  /** The next run, in the order in which they start. */
  next(): Promise<Puppet> {
    const run = this.#runs.shift();
    if (run !== undefined) return Promise.resolve(run);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** More than any test waits for, and no more than a slow machine can read afterwards. */
const FLOOD = 10_000;

/** Lets the agent think aloud without a pause, though not faster than a test can read. @returns ends the job */
export function flood({ ctx, finish }: Puppet): () => Promise<void> {
  let flooding = true;
  const stopped = Promise.withResolvers<void>();
  const flooded = (async () => {
    for (let i = 0; flooding && i < FLOOD; i++) {
      await ctx.thought(`${i}`);
      if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await stopped.promise;
    finish();
  })();
  return async () => {
    flooding = false;
    stopped.resolve();
    await flooded;
  };
}
