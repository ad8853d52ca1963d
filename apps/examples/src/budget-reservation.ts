// Reserve money before it is spent, so that parallel work cannot overspend.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { type AgentContext, createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

// Stands for an upstream that says afterwards what it cost, and at most so much.
async function ask(question: string, { spend }: AgentContext) {
  // Refused here, before anything is asked, when less is available.
  await using money = spend.reserve({ EUR: "0.40" });
  await setTimeout(10);
  await money.settle({ EUR: "0.25" }); // what it really was; the rest is free again
  return `an answer to ${question}`;
}

const survey = defineAgent({
  name: "survey",
  async run(ctx) {
    // Three at a time with 1.00 EUR. By what remains each of them could go ahead: nothing is spent yet.
    const asked = ["one", "two", "three"].map((question) => ask(question, ctx));
    assert.equal(ctx.budget.remaining()["EUR"], "1");
    assert.equal(ctx.budget.available()["EUR"], "0.2"); // less what is set aside
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled") await ctx.log.info(answer.value);
      else await ctx.log.warn(answer.reason.message);
    }
    // Now it fits: the third is asked after all.
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
