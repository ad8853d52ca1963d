// Limit what a job may spend: once the money is gone, its next operation is refused.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const research = defineAgent({
  name: "research",
  async run(ctx) {
    for (const price of [0.85, 1.3]) {
      await ctx.tools.call("search");
      // A metric reports the cost, which is charged exactly: in decimals, never in floating point.
      await ctx.metric({ name: "cost.search", value: price, unit: "EUR" });
      await ctx.log.info(`${ctx.budget.remaining()["EUR"]} EUR are left`);
    }
    // The second search cost more than was left. The money is gone, so no further operation is allowed.
    await assert.rejects(ctx.tools.call("search"), { code: "BUDGET_EXHAUSTED" });
    // The job itself goes on, and can make the best of what it has.
    return "what two searches found";
  },
});

let searches = 0;
const tools = { search: () => ++searches };
const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [research], auth, tools });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const lease = { "tool.call": ["search"], "cost.budget": ["EUR:2.00"] };
const job = await client.submit("research", null, { lease });

for await (const { kind, body } of job.events) {
  if (kind === "log") console.log(body.message);
  if (kind === "tool_result" && body.error) console.log(body.error.message);
}
assert.equal(await job.result(), "what two searches found");
assert.equal(searches, 2); // the third was never made
assert.equal(job.budget.get("EUR"), -0.15); // for a gauge on the screen, as of the last event
console.log(`the client shows ${job.budget.get("EUR")} EUR`);

/* It prints:
1.15 EUR are left
-0.15 EUR are left
tool.call on search is refused: -0.15 EUR remain and must be above zero
the client shows -0.15 EUR
*/
