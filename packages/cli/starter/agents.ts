import { setTimeout as sleep } from "node:timers/promises";
import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

/** Answers questions about a topic, for at most 20 cents each. */
export const research = defineAgent({
  name: "research",
  version: "1.0.0",
  input: z.object({ topic: z.string(), questions: z.int().min(1).max(100).default(5) }),
  // If this process dies, the next one restarts the job, which continues from its checkpoint.
  attempts: 3,
  async run(ctx, { topic, questions }) {
    const answers = z.array(z.string()).parse(ctx.lastCheckpoint ?? []);
    while (answers.length < questions) {
      const question = answers.length + 1;
      await ctx.progress({ current: answers.length, total: questions, units: "questions" });
      // Reserved before it is spent: an amount that does not fit into the budget is refused here.
      const cost = ctx.spend.reserve({ USD: "0.20" });
      // Here you would call a model. The signal ends the wait when somebody cancels the job.
      await sleep(300, undefined, { signal: ctx.signal });
      await cost.settle({ USD: "0.15" });
      answers.push(`answer ${question} about ${topic}`);
      await ctx.log.info(`answered question ${question}`);
      await ctx.checkpoint(answers);
    }
    await ctx.progress({ current: questions, total: questions, units: "questions" });
    return { topic, answers, left: ctx.budget.remaining() };
  },
});
