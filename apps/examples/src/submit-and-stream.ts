// Submit a job, follow its events, and take the result.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { z } from "zod";

// An agent is a function. It speaks through its context, and knows nothing of connections.
const count = defineAgent({
  name: "count-words",
  input: z.object({ text: z.string() }),
  async run(ctx, { text }) {
    await ctx.thought("Words are what stands between spaces.");
    const words = text.split(" ");
    await ctx.log.info(`the first is ${words[0]}`);
    return { words: words.length };
  },
});

// The server: a runtime hosts the agent, and serves whoever connects with a token that it knows.
await using runtime = createRuntime({ agents: [count], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

// The client: a session over a WebSocket. The type of the agent checks the input and types the result.
await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.agent<typeof count>("count-words").submit({ text: "to be or not" });

const seen: number[] = [];
for await (const event of job.events) {
  console.log(event.kind, event.body);
  seen.push(event.seq);
}
// Events are numbered by the session, from 1 without a gap. The first is the runtime's own: the agent runs.
assert.deepEqual(seen, [1, 2, 3]);

const { words } = await job.result();
assert.equal(words, 4);
console.log(`${words} words`);

// An input that does not fit is refused before there is a job.
await assert.rejects(client.submit("count-words", { text: 7 }), { code: "INVALID_REQUEST" });

/* It prints:
status { phase: 'running' }
thought { text: 'Words are what stands between spaces.' }
log { level: 'info', message: 'the first is to' }
4 words
*/
