// Give a job a time limit: the runtime ends it, whatever its agent does.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const told = Promise.withResolvers<unknown>();
const ponder = defineAgent({
  name: "ponder",
  async run({ signal }) {
    signal.addEventListener("abort", () => told.resolve(signal.reason));
    await setTimeout(7_500_000, undefined, { signal });
    return 42;
  },
});

await using runtime = createRuntime({ agents: [ponder], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.submit("ponder", null, { maxRuntimeSec: 1 });

const outcome = await job.outcome();
assert(outcome.status === "timed_out");
assert.equal(outcome.error.code, "TIMEOUT");
console.log(`${outcome.status}: ${outcome.error.message}`);

// A job that had too little time may succeed with more: the client's `retry` goes by this flag.
assert.equal(outcome.error.retryable, true);

// The agent is told as well, by its signal. If it does not listen, the job ends all the same.
assert.deepEqual(await told.promise, outcome.error);
console.log("and so says the signal of the agent");

/* It prints:
timed_out: ran longer than 1 s
and so says the signal of the agent
*/
