// Offer two versions of an agent at once, and let clients choose.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const greetings = [
  defineAgent({ name: "greet", version: "1.4.0", run: async () => "Hello." }),
  defineAgent({ name: "greet", version: "2.0.0", run: async () => "Hi!" }),
];

await using runtime = createRuntime({
  agents: greetings,
  auth: tokenTable({ "a-token": "alice" }),
});
runtime.agents.setDefault("greet", "1.4.0"); // what the bare name means
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const [greet] = client.agents();
assert.deepEqual(greet, { name: "greet", versions: ["1.4.0", "2.0.0"], default: "1.4.0" });

for (const reference of ["greet", "greet@2.0.0"]) {
  const job = await client.submit(reference);
  console.log(`${reference} is ${job.accepted.agent} and says: ${await job.result()}`);
}

// A version is one exact text: there are no ranges.
const missing = client.submit("greet@2");
await assert.rejects(missing, { code: "AGENT_VERSION_NOT_AVAILABLE" });

// A job keeps the version that it was accepted with, even if the default has changed.
const before = await client.submit("greet");
runtime.agents.setDefault("greet", "2.0.0");
const after = await client.submit("greet");
assert.deepEqual([await before.result(), await after.result()], ["Hello.", "Hi!"]);
console.log(`from now on greet is ${after.accepted.agent}`);

/* It prints:
greet is greet@1.4.0 and says: Hello.
greet@2.0.0 is greet@2.0.0 and says: Hi!
from now on greet is greet@2.0.0
*/
