// Trace jobs with OpenTelemetry: from the caller's span, through agents, to everything they do.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { activeTrace, otel } from "@arcp/otel";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

// The SDK of OpenTelemetry, as ever, but for spans that stay in memory, where they can be looked at.
const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor({ exporter })];
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const ask = defineAgent({ name: "ask", run: (ctx) => ctx.tools.call("weather") });
const plan = defineAgent({
  name: "plan",
  async run(ctx) {
    const child = await ctx.delegate(ask, null, { lease: { "tool.call": ["weather"] } });
    return (await child.result()) === "rain" ? "stay in" : "go out";
  },
});

const auth = tokenTable({ "a-token": "alice" });
const tools = { weather: () => "rain" };
await using runtime = createRuntime({ agents: [plan, ask], auth, tools, observer: otel() });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
await trace.getTracer("client").startActiveSpan("morning", async (span) => {
  const lease = { "agent.delegate": ["ask"], "tool.call": ["weather"] };
  const job = await client.submit("plan", null, { lease, traceContext: activeTrace() });
  assert.equal(await job.result(), "stay in");
  span.end();
});

// A span for each job, and one for each guarded operation. They say what the job might do, and how it ended.
const spans = exporter.getFinishedSpans();
assert.equal(new Set(spans.map((span) => span.spanContext().traceId)).size, 1); // one trace
const child = spans.find(({ name }) => name === "job ask");
assert.deepEqual(child?.attributes["arcp.lease.capabilities"], ["tool.call"]);
assert.equal(child.attributes["arcp.job.status"], "success");

function show(parent: string | undefined, indent = ""): void {
  for (const span of spans.filter((one) => one.parentSpanContext?.spanId === parent)) {
    console.log(indent + span.name);
    show(span.spanContext().spanId, `${indent}  `);
  }
}
show(undefined);

/* It prints:
morning
  job plan
    agent.delegate ask
    job ask
      tool.call weather
*/
