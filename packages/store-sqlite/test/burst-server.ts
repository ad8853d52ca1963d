// A runtime in a process of its own that reports its memory use: `burst-server.ts STORE RETENTION`, with --expose-gc. STORE is a
// path, or `memory`.
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

/** What is in use after a full collection. */
async function settledMemory(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Of the file with what the write-ahead log still holds for it: the size of that log itself varies with the load. */
function settledFile(): number {
  if (database === undefined) return 0;
  return Number(database.value("PRAGMA page_count")) * Number(database.value("PRAGMA page_size"));
}

process.on("message", async () =>
  process.send?.({ memory: await settledMemory(), file: settledFile() }),
);
// Exit when the parent process is gone.
process.on("disconnect", () => process.exit());
process.send?.({ url: server.url });
