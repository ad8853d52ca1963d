// List jobs, running and finished, whichever session submitted them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const quick = defineAgent({ name: "quick", run: () => setTimeout(5, "done") });
const patient = defineAgent({ name: "patient", run: (ctx) => once(ctx.signal, "abort") });
const auth = tokenTable({ "a-token": "alice", "b-token": "bob" });

await using runtime = createRuntime({ agents: [quick, patient], auth });
await using server = await listen({ port: 0 }, runtime.serve);

await using worker = await connect(dial(server.url), { token: "a-token" });
const finished = await worker.submit("quick");
await finished.result();
const running = await worker.submit("patient");

// Another session of the same principal, such as a dashboard. Long lists come page by page, and the loop hides it.
await using dashboard = await connect(dial(server.url), { token: "a-token" });
const all: string[] = [];
for await (const { id, agent, status } of dashboard.jobs()) {
  console.log(`${agent} ${status}`);
  all.push(id);
}
assert.deepEqual(all, [finished.id, running.id]); // in the order of their acceptance

// Filters narrow it down: status, agent, createdAfter, createdBefore.
const unfinished = await Array.fromAsync(dashboard.jobs({ status: ["pending", "running"] }));
assert.deepEqual(
  unfinished.map(({ id }) => id),
  [running.id],
);

// Others' jobs are not listed, and nothing tells that they are there.
await using stranger = await connect(dial(server.url), { token: "b-token" });
assert.deepEqual(await Array.fromAsync(stranger.jobs()), []);
console.log("bob sees none of them");

/* It prints:
quick success
patient running
bob sees none of them
*/
