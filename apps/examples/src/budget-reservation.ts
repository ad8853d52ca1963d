// Reserve money before it is spent, so that parallel work cannot overspend.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { type AgentContext, createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

// Stands for an upstream that reports its cost afterwards, up to a known maximum.
async function ask(question: string, { spend }: AgentContext) {
  // Refused here, before the upstream is asked, if less is available.
  await using money = spend.reserve({ EUR: "0.40" });
  await setTimeout(10);
  await money.settle({ EUR: "0.25" }); // the actual cost; the rest is free again
  return `an answer to ${question}`;
}

const survey = defineAgent({
  name: "survey",
  async run(ctx) {
    // Three at a time with 1.00 EUR. Judging by what remains, each of them could go ahead: nothing is spent yet.
    const asked = ["one", "two", "three"].map((question) => ask(question, ctx));
    assert.equal(ctx.budget.remaining()["EUR"], "1");
    assert.equal(ctx.budget.available()["EUR"], "0.2"); // minus what is reserved
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled") await ctx.log.info(answer.value);
      else await ctx.log.warn(answer.reason.message);
    }
    // Now it fits, so the third is asked after all.
    await ctx.log.info(await ask("three", ctx));
    return ctx.budget.remaining()["EUR"];
  },
});

await using runtime = createRuntime({ agents: [survey], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const lease = { "cost.budget": ["EUR:1.00"] };
const job = await client.submit("survey", null, { lease });
for await (const { kind, body } of job.events) if (kind === "log") console.log(body.message);
assert.equal(await job.result(), "0.25");
console.log(`${await job.result()} EUR remain`);

/* It prints:
an answer to one
an answer to two
0.4 EUR cannot be reserved: 0.2 EUR are available
an answer to three
0.25 EUR remain
*/
