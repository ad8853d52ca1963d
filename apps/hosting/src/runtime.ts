import { setTimeout } from "node:timers/promises";
import { createRuntime, defineAgent, type Runtime, tokenTable } from "@arcp/runtime";
import { z } from "zod";

const count = defineAgent({
  name: "count",
  input: z.object({ to: z.int(), everyMs: z.int().default(0) }),
  async run(ctx, { to, everyMs }) {
    for (let current = 1; current <= to; current++) {
      await setTimeout(everyMs, undefined, { signal: ctx.signal });
      await ctx.progress({ current, total: to });
    }
    return to;
  },
});

/** What the servers in this directory host. It does not depend on which of them it is. */
export function makeRuntime(): Runtime {
  return createRuntime({ agents: [count], auth: tokenTable({ "a-token": "alice" }) });
}
