import { z } from "zod";
import { defineAgent } from "../../src/agents/agent.ts";
import type { AgentContext } from "../../src/agents/context.ts";
import { settled } from "../held-store.ts";
import { Random } from "./random.ts";

const Given = z.object({
  seed: z.int(),
  /** How many ancestors the job has. */
  depth: z.int(),
});

/** What it needs for everything that it does. */
export const LEASE = {
  "tool.call": ["t"],
  "agent.delegate": ["restless"],
  "cost.budget": ["USD:1"],
};

/** Does a few of the things that an agent can do, then ends in one of the ways in which it can end. */
export const restless = defineAgent({
  name: "restless",
  input: Given,
  async run(ctx, { seed, depth }) {
    const random = new Random(seed);
    const deeds = [say, spend, call, keep, wait];
    if (depth < 2) deeds.push(delegate);
    for (let left = random.below(6); left > 0; left--) {
      await random.oneOf(deeds)?.(ctx, random, depth);
    }
    if (random.hits(15)) throw new Error("no");
    if (random.hits(10)) await stopped(ctx);
    if (!random.hits(15)) return null;
    await ctx.result.write("abc");
    return random.hits(50) ? undefined : "discarded";
  },
});

type Deed = (ctx: AgentContext, random: Random, depth: number) => Promise<unknown>;

const say: Deed = async (ctx, random) => {
  const said = ctx.log.info("x");
  if (random.hits(70)) await said;
};

const spend: Deed = (ctx) => ctx.metric({ name: "cost.x", value: 0.01, unit: "USD" });

const call: Deed = (ctx) => ctx.tools.call("t").catch(() => {});

const keep: Deed = (ctx, random) =>
  random.hits(50) ? ctx.flush().catch(() => {}) : ctx.checkpoint(random.below(9)).catch(() => {});

const wait: Deed = (_, random) => settled(random.below(4));

const delegate: Deed = async (ctx, random, depth) => {
  const lease = { "tool.call": ["t"], "agent.delegate": ["restless"] };
  const input = { seed: random.below(2 ** 31), depth: depth + 1 };
  const child = await ctx.delegate("restless", input, { lease }).catch(() => undefined);
  if (random.hits(50)) await child?.result().catch(() => {});
};

function stopped({ signal }: AgentContext): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
}
