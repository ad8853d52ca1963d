import { ArcpError } from "@arcp/core";
import { type AgentContext, defineAgent } from "@arcp/runtime";
import { z } from "zod";
import { type Ask, MOST } from "./stand-in-model.ts";

/** A planner, the researchers to whom it gives parts of a question, and the checkers whom they ask. */
export function team(ask: Ask) {
  /** What a call may cost at most is reserved before it: concurrent workers cannot spend the same money. */
  const think = async (ctx: AgentContext, model: string, prompt: string): Promise<string> => {
    const answer = await ctx.model(model, { reserve: MOST }).call(
      ({ signal }) => ask(prompt, signal),
      ({ usage }) => usage,
    );
    return answer.text;
  };

  const checker = defineAgent({
    name: "checker",
    input: z.object({ claim: z.string() }),
    async run(ctx, { claim }) {
      await think(ctx, "stand-in/small", `is it so that ${claim}?`);
      return { holds: true };
    },
  });

  const researcher = defineAgent({
    name: "researcher",
    input: z.object({ topic: z.string() }),
    async run(ctx, { topic }) {
      let text = "";
      for (const step of ["searching", "reading", "writing"]) {
        await ctx.status(step);
        text = await think(ctx, "stand-in/small", `${step} on ${topic}`);
      }
      await ctx.status("checking");
      const lease = { "model.use": ["stand-in/small"] };
      const check = await ctx.delegate(checker, { claim: text }, { lease, id: topic });
      return { topic, text, ...(await check.result()) };
    },
  });

  const planner = defineAgent({
    name: "planner",
    input: z.object({ question: z.string(), parts: z.int().min(1) }),
    async run(ctx, { question, parts }) {
      await ctx.status("planning");
      const plan = await think(ctx, "stand-in/large", `plan ${parts} parts of: ${question}`);
      await ctx.status("waiting");
      // A worker gets only the small model, and no budget of its own: all of them spend the planner's.
      const lease = { "model.use": ["stand-in/small"], "agent.delegate": ["checker"] };
      const work = plan.split("\n").map(async (topic) => {
        const worker = await ctx.delegate(researcher, { topic }, { lease, id: topic });
        return worker.result();
      });
      const found = [];
      const failed = [];
      for (const outcome of await Promise.allSettled(work)) {
        if (outcome.status === "fulfilled") found.push(outcome.value);
        else failed.push(ArcpError.from(outcome.reason).code);
      }
      return { found, failed };
    },
  });

  return { planner, researcher, checker };
}

export type Planner = ReturnType<typeof team>["planner"];
