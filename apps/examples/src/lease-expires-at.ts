// Grant authority for a limited time: from the instant it expires, a lease allows nothing.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const told = Promise.withResolvers<unknown>();
const poll = defineAgent({
  name: "poll",
  async run(ctx) {
    ctx.signal.addEventListener("abort", () => told.resolve(ctx.signal.reason));
    for (let current = 1; ; current++) {
      await ctx.tools.call("look");
      await ctx.progress({ current, units: "looks" });
      await setTimeout(50, undefined, { signal: ctx.signal });
    }
  },
});

const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [poll], auth, tools: { look: () => "nothing new" } });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const expiresAt = new Date(Date.now() + 500);
const job = await client.submit("poll", null, { lease: { "tool.call": ["look"] }, expiresAt });

// The job ends at that instant, even if its agent asks for nothing more, and the agent is told.
const outcome = await job.outcome();
assert(Date.now() >= expiresAt.getTime());
assert(outcome.status === "error");
assert.equal(outcome.error.code, "LEASE_EXPIRED");
assert.deepEqual(await told.promise, outcome.error);
console.log(`looked for a while, then: ${outcome.error.code}`);
assert((job.progress?.current ?? 0) > 0);

// A lease cannot be renewed, and one that has expired is not granted.
const again = client.submit("poll", null, { expiresAt });
await assert.rejects(again, { code: "INVALID_REQUEST" });
console.log("a lease of the past is refused");

/* It prints:
looked for a while, then: LEASE_EXPIRED
a lease of the past is refused
*/
