import { setTimeout as sleep } from "node:timers/promises";
import { defineAgent } from "@arcp/runtime";

export const count = defineAgent({
  name: "count",
  attempts: 3,
  async run(ctx, to) {
    let done = ctx.lastCheckpoint ?? 0;
    while (done < to) {
      const cost = ctx.spend.reserve({ USD: "0.05" });
      await sleep(500, undefined, { signal: ctx.signal });
      await cost.settle({ USD: "0.03" });
      done += 1;
      await ctx.checkpoint(done);
      await ctx.progress({ current: done, total: to });
    }
    return { counted: to };
  },
});

export const wait = defineAgent({
  name: "wait",
  run: (ctx) => sleep(600_000, undefined, { signal: ctx.signal }),
});
