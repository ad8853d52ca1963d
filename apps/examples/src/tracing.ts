// Carry a W3C trace context from the caller through a job to whatever its agent calls.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, defineTool, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

// A tool is told the trace, to hand it on as headers to the service that it calls. So is an agent, as ctx.trace.
const heard: string[] = [];
const weather = defineTool({
  run(_args, { trace: { traceparent, tracestate } }) {
    heard.push(`${traceparent} ${tracestate}`);
    return "rain";
  },
});

const ask = defineAgent({ name: "ask", run: (ctx) => ctx.tools.call("weather") });
const plan = defineAgent({
  name: "plan",
  async run(ctx) {
    const child = await ctx.delegate(ask, null, { lease: { "tool.call": ["weather"] } });
    return (await child.result()) === "rain" ? "stay in" : "go out";
  },
});

const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [plan, ask], auth, tools: { weather } });
await using server = await listen({ port: 0 }, (transport, peer) => runtime.serve(transport, peer));

await using client = await connect(dial(server.url), { token: "a-token" });
// What the caller's own tracing hands out: propagation.inject(context.active(), carrier) with OpenTelemetry.
const traceContext = {
  traceparent: "00-9f2c41d07be84a6392d5e8b1c03f7a64-00f067aa0ba902b7-01",
  tracestate: "acme=42",
};
const lease = { "agent.delegate": ["ask"], "tool.call": ["weather"] };
const job = await client.submit("plan", null, { lease, traceContext });
assert.equal(await job.result(), "stay in");

// It arrived at the service behind the tool of the delegated job, as it left the caller.
assert.deepEqual(heard, [`${traceContext.traceparent} ${traceContext.tracestate}`]);
console.log(`the service was called by ${heard}`);

// Both jobs belong to the trace, which is how an operator finds them again.
const jobs = await Array.fromAsync(client.jobs());
assert.equal(jobs.length, 2);
for (const { traceId } of jobs) assert.equal(traceId, "9f2c41d07be84a6392d5e8b1c03f7a64");
console.log(`${jobs.length} jobs belong to its trace`);

/* It prints:
the service was called by 00-9f2c41d07be84a6392d5e8b1c03f7a64-00f067aa0ba902b7-01 acme=42
2 jobs belong to its trace
*/
