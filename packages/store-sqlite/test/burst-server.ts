// A runtime in a process of its own that tells what memory it uses: `burst-server.ts STORE RETENTION`, with --expose-gc.
// STORE is a path, or `memory`.
import { createRuntime, defineAgent, memoryStore, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { openDatabase } from "../src/database-file.ts";
import { storeOn } from "../src/sqlite-store.ts";

const [place = "memory", retention = "30"] = process.argv.slice(2);

const burst = defineAgent({
  name: "burst",
  async run(ctx, input) {
    for (let i = 1; i <= Number(input); i++) await ctx.log.info(`event ${i} of ${input}`);
  },
});

const database = place === "memory" ? undefined : openDatabase(place);
const runtime = createRuntime({
  agents: [burst],
  auth: tokenTable({ secret: "alice" }),
  store: database === undefined ? memoryStore() : storeOn(database),
  limits: { retentionSec: Number(retention) },
});
const server = await listen({ port: 0 }, (transport) => runtime.serve(transport));

/** What is in use once all that can be collected was. */
async function settledMemory(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Of the file with what the write-ahead log still has for it: how much that log itself has grown changes with the load. */
function settledFile(): number {
  if (database === undefined) return 0;
  return Number(database.value("PRAGMA page_count")) * Number(database.value("PRAGMA page_size"));
}

process.on("message", async () =>
  process.send?.({ memory: await settledMemory(), file: settledFile() }),
);
// Whoever started this process is gone: then so is the reason for it.
process.on("disconnect", () => process.exit());
process.send?.({ url: server.url });
