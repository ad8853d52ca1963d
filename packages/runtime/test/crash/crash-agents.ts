import { type AnyAgent, defineAgent } from "../../src/agents/agent.ts";
import { settled } from "../held-store.ts";

export interface CrashAgentsContext {
  /** Whether waiting agents may go on. */
  isOver(): boolean;
  /** Rotates the credential of a job. */
  rotate(job: string): Promise<void>;
}

/** Agents that each do something which a crash may interrupt. */
export function crashAgents({ isOver, rotate }: CrashAgentsContext): readonly AnyAgent[] {
  return [
    defineAgent({
      name: "speaks",
      async run(ctx) {
        await ctx.log.info("one");
        await ctx.metric({ name: "cost.search", value: 1, unit: "USD" });
        return "spoken";
      },
    }),
    defineAgent({
      name: "waits",
      async run() {
        while (!isOver()) await settled(1);
      },
    }),
    defineAgent({
      name: "streams",
      async run(ctx) {
        await ctx.result.write("a");
        await ctx.flush();
        await ctx.result.write("b");
      },
    }),
    defineAgent({
      name: "delegates",
      async run(ctx) {
        const lease = { "cost.budget": ["USD:2"] };
        const child = await ctx.delegate("speaks", null, { lease });
        await ctx.delegate("waits");
        return await child.result();
      },
    }),
    defineAgent({
      name: "retries",
      attempts: 3,
      async run(ctx) {
        await ctx.checkpoint(ctx.attempt);
        const lease = { "cost.budget": ["USD:1"] };
        const child = await ctx.delegate("speaks", null, { lease });
        await child.result();
        await ctx.metric({ name: "cost.search", value: 0.5, unit: "USD" });
      },
    }),
    defineAgent({
      name: "rotates",
      async run(ctx) {
        await rotate(ctx.job.id);
      },
    }),
  ];
}
