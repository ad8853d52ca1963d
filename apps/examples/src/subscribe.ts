// Watch a job that another session submitted, including everything that happened before.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const watched = Promise.withResolvers<void>();
const bake = defineAgent({
  name: "bake",
  async run(ctx) {
    await ctx.status("mixing");
    await ctx.status("baking");
    await watched.promise; // until somebody watches
    await ctx.status("cooling");
    return "bread";
  },
});

const auth = tokenTable({ "a-token": "alice", "b-token": "bob", "c-token": "carol" });
// Whoever submitted a job may watch it, in every session. Others may where the operator says so.
const mayObserve = (principal: string) => principal === "bob";
await using runtime = createRuntime({ agents: [bake], auth, policy: { mayObserve } });
await using server = await listen({ port: 0 }, runtime.serve);

await using alice = await connect(dial(server.url), { token: "a-token" });
const job = await alice.submit("bake");
for await (const { kind, body } of job.events)
  if (kind === "status" && body.phase === "baking") break;

// Bob comes late. He gets the history first and then what comes, each event once and in order.
await using bob = await connect(dial(server.url), { token: "b-token" });
const view = await bob.subscribe(job.id, { history: true });
assert.equal(view.subscribed.current_status, "running");
watched.resolve();

const phases: string[] = []; // `jobSeq` is the number in the job, the same for all; `seq` is that in his session
for await (const { kind, body, jobSeq } of view.events) {
  if (kind === "status") phases.push(`${jobSeq} ${body.phase}`);
}
console.log(phases.join(", "));
assert.deepEqual(phases, ["1 running", "2 mixing", "3 baking", "4 cooling"]);
assert.equal(await view.result(), "bread");

// He may look and no more: `view` has no cancel. To carol it looks as if there were no such job.
await using carol = await connect(dial(server.url), { token: "c-token" });
await assert.rejects(carol.subscribe(job.id), { code: "JOB_NOT_FOUND" });
console.log("carol: JOB_NOT_FOUND");

/* It prints:
1 running, 2 mixing, 3 baking, 4 cooling
carol: JOB_NOT_FOUND
*/
