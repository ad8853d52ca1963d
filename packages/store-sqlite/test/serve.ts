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

/** Goes on where the killed process was, and ends in the process that is not killed. */
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

/** Spends its budget by cents, in the end all of it, unless it is ended before. */
const spender = defineAgent<{ cents: number }>({
  name: "spender",
  async run(ctx, { cents }) {
    for (let spent = 0; spent < cents; spent++) {
      await using cost = ctx.spend.reserve({ USD: "0.01" });
      await cost.settle();
      if (spent % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return ctx.budget.remaining();
  },
});

/** Has three children at any time, with grants of their own or none, and ends in the process that is not killed. */
const family = defineAgent<{ lastAttempt: number }>({
  name: "family",
  attempts: Number.POSITIVE_INFINITY,
  async run(ctx, { lastAttempt }) {
    const line = async (own: boolean, children: number): Promise<void> => {
      for (let i = 0; ctx.attempt < lastAttempt || i < children; i++) {
        const options = own ? { lease: { "cost.budget": ["USD:0.50"] } } : {};
        const child = await ctx.delegate(spender, { cents: own ? 49 : 20 }, options);
        if (i % 3 === 2) await child.cancel("not needed");
        await child.result().catch(() => {});
        await ctx.metric({ name: "cost.step", value: 0.001, unit: "USD" });
      }
    };
    await Promise.all([line(true, 3), line(true, 3), line(false, 3)]);
    // Still runs when this job ends.
    void ctx.delegate(spender, { cents: 1_000 });
    await ctx.delegate(spender, { cents: 1_000 });
  },
});

const runtime = createRuntime({
  agents: [ticks, steps, spender, family],
  auth: tokenTable({ secret: "alice" }),
  store: sqliteStore(file),
});
const server = await listen({ port: Number(port) }, (transport, peer) =>
  runtime.serve(transport, peer),
);
console.log(server.url);
// Exit when the parent process is gone.
process.stdin.on("end", () => process.exit()).resume();
