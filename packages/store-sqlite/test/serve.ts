// A runtime in a process of its own, to be killed: `serve.ts FILE PORT`.
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";

const [file = ":memory:", port = "0"] = process.argv.slice(2);

const ticks = defineAgent({
  name: "ticks",
  async run(ctx) {
    for (let i = 0; i < 1_000_000; i++) {
      await ctx.log.info(`tick ${i}`);
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
});

/** Goes on where the process before was killed, and ends in the process that is not. */
const steps = defineAgent<{ lastAttempt: number }>({
  name: "steps",
  attempts: Number.POSITIVE_INFINITY,
  async run(ctx, { lastAttempt }) {
    const begun = Number(ctx.lastCheckpoint ?? 0);
    for (let step = begun + 1; ctx.attempt < lastAttempt || step <= begun + 50; step++) {
      await ctx.metric({ name: "cost.step", value: 0.001, unit: "USD" });
      await ctx.log.info(`step ${step}`);
      await ctx.checkpoint(step);
    }
    return ctx.budget.remaining();
  },
});

const runtime = createRuntime({
  agents: [ticks, steps],
  auth: tokenTable({ secret: "alice" }),
  store: sqliteStore(file),
});
const server = await listen({ port: Number(port) }, (transport, peer) =>
  runtime.serve(transport, peer),
);
console.log(server.url);
// Whoever started this process is gone: then so is the reason for it.
process.stdin.on("end", () => process.exit()).resume();
