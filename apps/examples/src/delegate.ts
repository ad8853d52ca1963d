// Let an agent delegate work to another one, with a share of its own authority and money.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { z } from "zod";

const translate = defineAgent({
  name: "translate",
  input: z.object({ word: z.string() }),
  async run(ctx, { word }) {
    await ctx.metric({ name: "cost.words", value: 0.3, unit: "EUR" });
    return `${word} (German)`;
  },
});

const editor = defineAgent({
  name: "editor",
  async run(ctx) {
    const lease = { "cost.budget": ["EUR:0.50"] };
    const child = await ctx.delegate(translate, { word: "Haus" }, { lease });
    const text = await child.result(); // typed by its definition
    // No agent can delegate more than it has. That is checked before the child starts.
    const greedy = ctx.delegate(translate, { word: "Hof" }, { lease: { "fs.read": ["/**"] } });
    await assert.rejects(greedy, { code: "LEASE_SUBSET_VIOLATION" });
    // What the child spent is charged here as well; the rest of its share has come back.
    return { text, left: ctx.budget.available() };
  },
});

const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [editor, translate], auth });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const lease = { "agent.delegate": ["translate"], "cost.budget": ["EUR:2.00"] };
const job = await client.submit("editor", null, { lease });

for await (const { kind, body } of job.events) {
  if (kind !== "delegate") continue;
  if (body.child_job_id === undefined) {
    console.log(`delegating to ${body.agent} was refused`);
    continue;
  }
  // The child is a job like any other: it has events and a result, and can be cancelled.
  const child = await client.job(body.child_job_id);
  console.log(`${body.agent}: ${await child.result()}`);
}
assert.deepEqual(await job.result(), { text: "Haus (German)", left: { EUR: "1.7" } });

/* It prints:
translate: Haus (German)
delegating to translate was refused
*/
