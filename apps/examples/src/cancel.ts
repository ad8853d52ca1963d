// Cancel a job: its agent is told at once and can clean up, and the job ends as cancelled.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const crawl = defineAgent({
  name: "crawl",
  async run(ctx) {
    try {
      for (let current = 1; ; current++) {
        await ctx.progress({ current, units: "pages" });
        // ctx.signal aborts when the job has to stop: pass it to whatever takes time.
        await setTimeout(10, undefined, { signal: ctx.signal });
      }
    } finally {
      // There are 30 seconds for this, or limits.cancelGraceSec.
      await ctx.log.info("closed the browser");
    }
  },
});

await using runtime = createRuntime({ agents: [crawl], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.submit("crawl");

for await (const { kind, body } of job.events) {
  if (kind === "progress" && body.current === 3) {
    console.log("three pages will do");
    await job.cancel("three pages will do"); // resolves once the runtime has stored it
  }
  if (kind === "log") console.log(body.message);
}

// outcome() returns how it ended; result() would reject with that error.
const outcome = await job.outcome();
assert(outcome.status === "cancelled");
assert.equal(outcome.error.code, "CANCELLED");
console.log(`${outcome.status}: ${outcome.error.message}`);

// Cancelling a job that has ended does no harm.
await job.cancel();

/* It prints:
three pages will do
closed the browser
cancelled: three pages will do
*/
