// A runtime in a process of its own: `serve.ts STORE WINDOW`. Its counting jobs end when it is told to `finish`.
import { sleep, systemClock } from "@arcp/core";
import { createRuntime, defineAgent, memoryStore, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { listen } from "@arcp/transport-ws";
import { STEP } from "./step.ts";

const [store = "memory", window = "600"] = process.argv.slice(2);

let isFinishing = false;
process.stdin.on("data", () => {
  isFinishing = true;
});
// Whoever started this process is gone: then so is the reason for it.
process.stdin.on("end", () => process.exit());

const counting = defineAgent({
  name: "counting",
  async run(ctx) {
    let step = 0;
    while (!isFinishing) {
      for (let i = 0; i < 5; i++) {
        step += 1;
        await ctx.emit(STEP, { step });
      }
      await sleep(systemClock, 5, ctx.signal);
    }
    return step;
  },
});

const endless = defineAgent({
  name: "endless",
  run: (ctx) => sleep(systemClock, 1e9, ctx.signal),
});

const runtime = createRuntime({
  agents: [counting, endless],
  auth: tokenTable({ secret: "alice" }),
  limits: { resumeWindowSec: Number(window), retentionSec: 600 },
  store: store === "memory" ? memoryStore() : sqliteStore(store),
});
const server = await listen({ port: 0 }, runtime.serve);
console.log(server.url);
