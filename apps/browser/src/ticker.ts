import { setTimeout as pause } from "node:timers/promises";
import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

/** An agent that counts, a step every `pace` ms. */
export const ticker = defineAgent({
  name: "ticker",
  input: z.object({ ticks: z.int().min(1), pace: z.number().min(0) }),
  async run(ctx, { ticks, pace }) {
    for (let current = 1; current <= ticks; current += 1) {
      await pause(pace, undefined, { signal: ctx.signal });
      await ctx.progress({ current, total: ticks });
    }
    return { counted: ticks };
  },
});
