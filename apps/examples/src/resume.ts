// Lose the connection in the middle of a job: the client reconnects, and no event is missing.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import type { Transport } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const count = defineAgent({
  name: "count",
  async run(ctx) {
    for (let current = 1; current <= 200; current++) {
      await setTimeout(2, undefined, { signal: ctx.signal });
      await ctx.progress({ current, total: 200 });
    }
  },
});

const connections: Transport[] = [];
await using runtime = createRuntime({ agents: [count], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, (transport, peer) => {
  connections.push(transport);
  runtime.serve(transport, peer);
});

await using client = await connect(dial(server.url), { token: "a-token" });
const session = client.session.id;
const job = await client.submit("count");

// The client says what its connection does, for a light on the screen. Nobody else has to care.
const states: string[] = [];
const watching = (async () => {
  for await (const { kind } of client.states) states.push(kind);
})();

// One loop, as if nothing happened. Meanwhile the agent goes on: it never learns that a socket died.
const seen: number[] = [];
for await (const { kind, body } of job.events) {
  if (kind !== "progress") continue;
  seen.push(body.current);
  if (body.current === 50) connections.at(-1)?.close("going-away");
}
assert.deepEqual(
  seen,
  Array.from({ length: 200 }, (_, index) => index + 1),
);
assert.equal(connections.length, 2);
assert.equal(client.session.id, session); // the same session, over another connection
console.log(`${seen.length} events, each once, over ${connections.length} connections`);

await client.close();
await watching;
console.log(states.join(", "));

/* It prints:
200 events, each once, over 2 connections
online, retrying, connecting, online, closing, closed
*/
