import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArcpError } from "@arcp/core";
import { defineAgent } from "@arcp/runtime";
import {
  type Attributes,
  context,
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import {
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { hosting, settled } from "../test/hosting.ts";
import { traceparent } from "../test/telemetry.ts";
import { activeTrace } from "./active-trace.ts";

const REMOTE = "00-9f2c41d07be84a6392d5e8b1c03f7a64-00f067aa0ba902b7-01";

test("R-11-6: a job is a span with its protocol attributes, under the caller's span", async () => {
  const agent = defineAgent({
    name: "audit",
    version: "1.0.0",
    async run(ctx) {
      await ctx.metric({ name: "cost.search", value: 0.35, unit: "USD" });
      return ctx.trace.traceparent;
    },
  });
  await using rig = await hosting({ agents: [agent] });
  const { client, tracer, clock } = rig;
  const job = await tracer.startActiveSpan("caller", async (caller) => {
    const submitted = await client.submit("audit", null, {
      lease: { "tool.call": ["a.*"], "cost.budget": ["USD:1.00"] },
      expiresAt: new Date(clock.now() + 60_000),
      traceContext: activeTrace(),
    });
    caller.end();
    return submitted;
  });
  const handedOn = await job.result();
  const [caller, span] = [rig.span("caller"), rig.span("job audit")];
  expect(span.parentSpanContext).toMatchObject({
    spanId: caller.spanContext().spanId,
    isRemote: true,
  });
  expect(span.spanContext().traceId).toBe(caller.spanContext().traceId);
  expect(handedOn).toBe(traceparent(span.spanContext()));
  expect(span.kind).toBe(SpanKind.SERVER);
  expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(span.attributes).toEqual({
    "arcp.session_id": client.session.id,
    "arcp.job_id": job.id,
    "arcp.agent": "audit@1.0.0",
    "arcp.lease.capabilities": ["tool.call", "cost.budget"],
    "arcp.lease.expires_at": new Date(clock.now() + 60_000).toISOString(),
    "arcp.budget.remaining": '{"USD":0.65}',
    "arcp.job.status": "success",
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "audit",
  });
});

test("R-11-6: a job's span has its attributes from the beginning, when samplers decide", async () => {
  const sampled: Attributes[] = [];
  const sampler: Sampler = {
    shouldSample(_context, _traceId, _name, _kind, attributes) {
      sampled.push({ ...attributes });
      return { decision: SamplingDecision.NOT_RECORD };
    },
    toString: () => "none",
  };
  const agent = defineAgent({ name: "a", run: async () => "done" });
  await using rig = await hosting({ agents: [agent], sampler });
  const job = await rig.client.submit("a", null, { lease: { "cost.budget": ["USD:1.50"] } });
  await job.result();
  expect(sampled).toMatchObject([
    {
      "arcp.job_id": job.id,
      "arcp.agent": "a",
      "arcp.lease.capabilities": ["cost.budget"],
      "arcp.budget.remaining": '{"USD":1.5}',
      "gen_ai.agent.name": "a",
    },
  ]);
});

test("a job whose submit names no trace starts one, which is subject to sampling", async () => {
  const agent = defineAgent({ name: "a", run: async (ctx) => ctx.trace });
  await using all = await hosting({ agents: [agent] });
  const job = await all.client.submit("a");
  const { traceId } = (await job.result()) as { traceId: string };
  const span = all.span("job a");
  expect(span.parentSpanContext).toBeUndefined();
  expect(span.spanContext().traceId).toBe(traceId);
  await using none = await hosting({
    agents: [agent],
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) }),
  });
  const unsampled = await none.client.submit("a");
  expect(await unsampled.result()).toMatchObject({ traceparent: expect.stringMatching(/-00$/) });
  // A sampling decision made before applies here as well.
  const sampled = await none.client.submit("a", null, { traceContext: { traceparent: REMOTE } });
  await sampled.result();
  const ruledOut = { traceparent: REMOTE.replace(/01$/, "00") };
  await (await none.client.submit("a", null, { traceContext: ruledOut })).result();
  expect(none.spans().map(({ name }) => name)).toEqual(["job a"]);
  expect(none.span("job a").parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
});

test("R-11-2: an unusable context is no parent, and a usable one keeps its state", async () => {
  const agent = defineAgent({ name: "a", run: async (ctx) => ctx.trace });
  await using rig = await hosting({ agents: [agent] });
  for (const text of ["rubbish", "00-0-0-01", REMOTE.replace("00f067aa0ba902b7", "0".repeat(16))]) {
    const job = await rig.client.submit("a", null, { traceContext: { traceparent: text } });
    await job.result();
  }
  expect(rig.spans().map(({ parentSpanContext }) => parentSpanContext)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const traceContext = { traceparent: REMOTE, tracestate: "acme=1,other=2" };
  const job = await rig.client.submit("a", null, { traceContext });
  expect(await job.result()).toMatchObject({ tracestate: "acme=1,other=2" });
  expect(rig.spans().at(-1)?.parentSpanContext?.traceState?.get("other")).toBe("2");
});

test("operations are spans under the job's, each with its target and its outcome", async () => {
  await using site = await answering(404);
  await using folder = await mkdtempDisposable(join(tmpdir(), "arcp-otel-"));
  await writeFile(join(folder.path, "a.txt"), "a");
  const agent = defineAgent({
    name: "all",
    workspace: folder.path,
    async run(ctx) {
      await ctx.tools.call("sum");
      await ctx.tools.call("broken").catch(() => {});
      await ctx.fs.readText("a.txt");
      await ctx.fs.stat("missing").catch(() => {});
      await ctx.fetch(`${site.origin}/page?key=secret`);
      await ctx.model("acme/small").call(
        async () => "hello",
        () => ({ input: 1_000_000 }),
      );
      ctx.authorize("x-vendor.acme.deploy", "staging");
      await ctx.delegate("child").then((child) => child.result());
    },
  });
  const child = defineAgent({ name: "child", run: async () => "done" });
  await using rig = await hosting({
    agents: [agent, child],
    tools: { sum: () => 3, broken: () => Promise.reject(new Error("no luck")) },
    models: { "acme/small": { input: { USD: "0.25" } } },
  });
  const job = await rig.client.submit("all", null, {
    lease: {
      "tool.call": ["*"],
      "fs.read": ["**"],
      "net.fetch": [`${site.origin}/**`],
      "model.use": ["acme/*"],
      "agent.delegate": ["child"],
      "cost.budget": ["USD:1"],
      "x-vendor.acme.deploy": ["staging"],
    },
  });
  await job.result();
  const parent = rig.span("job all").spanContext();
  const operations = rig.spans().filter(({ name }) => !name.startsWith("job "));
  expect(operations.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
    operations.map(() => parent.spanId),
  );
  const shown = operations.map(({ name, kind, attributes, status }) => ({
    name,
    kind: SpanKind[kind],
    failed: status.code === SpanStatusCode.ERROR ? attributes["error.type"] : false,
  }));
  expect(shown).toEqual([
    { name: "tool.call sum", kind: "INTERNAL", failed: false },
    { name: "tool.call broken", kind: "INTERNAL", failed: "INTERNAL_ERROR" },
    { name: "fs.read", kind: "INTERNAL", failed: false },
    { name: "fs.stat", kind: "INTERNAL", failed: "Error" },
    { name: "net.fetch", kind: "CLIENT", failed: "404" },
    { name: "model.use acme/small", kind: "CLIENT", failed: false },
    { name: "x-vendor.acme.deploy", kind: "INTERNAL", failed: false },
    { name: "agent.delegate child", kind: "INTERNAL", failed: false },
  ]);
  expect(rig.span("net.fetch").attributes).toMatchObject({
    "arcp.job_id": job.id,
    "arcp.operation": "net.fetch",
    "arcp.budget.remaining": '{"USD":1}',
    "http.request.method": "GET",
    "url.full": `${site.origin}/page`,
    "http.response.status_code": 404,
  });
  expect(site.traces).toEqual([traceparent(rig.span("net.fetch").spanContext())]);
  expect(rig.span("agent.delegate child").attributes["arcp.budget.remaining"]).toBe('{"USD":0.75}');
  const below = rig.span("job child");
  expect(below.parentSpanContext).toMatchObject({ spanId: parent.spanId, isRemote: false });
  expect(below.kind).toBe(SpanKind.INTERNAL);
  expect(below.attributes["arcp.parent_job_id"]).toBe(job.id);
  // A tool that fails is not a refusal.
  expect(rig.span("job all").events).toEqual([]);
});

test("spans that agents and tools make nest, and no job sees another job's", async () => {
  const rigged: { tracer?: Tracer } = {};
  const work = async (name: string): Promise<void> => {
    await settled(2);
    await rigged.tracer?.startActiveSpan(name, async (span) => {
      await settled(2);
      span.end();
    });
  };
  const agent = defineAgent({
    name: "busy",
    async run(ctx, input) {
      await work(`own ${input}`);
      await rigged.tracer?.startActiveSpan(`plan ${input}`, async (plan) => {
        await Promise.all([
          ctx.tools.call("work", { input }),
          ctx.delegate("child", input).then((child) => child.result()),
        ]);
        plan.end();
      });
    },
  });
  const child = defineAgent({ name: "child", run: (_, input) => work(`child's ${input}`) });
  await using rig = await hosting({
    agents: [agent, child],
    tools: { work: (args) => work(`tool's ${(args as { input: number }).input}`) },
  });
  rigged.tracer = rig.tracer;
  const lease = { "tool.call": ["*"], "agent.delegate": ["*"] };
  const inputs = [1, 2, 3, 4, 5];
  const jobs = await Promise.all(inputs.map((i) => rig.client.submit("busy", i, { lease })));
  await Promise.all(jobs.map((job) => job.result()));
  const byId = new Map(rig.spans().map((span) => [span.spanContext().spanId, span]));
  /** The names of a span and of its ancestors. */
  const line = (span: ReturnType<typeof rig.span> | undefined): string[] => {
    if (span === undefined) return [];
    const { parentSpanContext, name, attributes } = span;
    const id = attributes["arcp.job_id"];
    const which = jobs.findIndex((job) => job.id === id);
    const shown = name === "job busy" ? `job ${inputs[which]}` : name;
    return [shown, ...line(byId.get(parentSpanContext?.spanId ?? ""))];
  };
  for (const i of inputs) {
    expect(line(rig.span(`own ${i}`))).toEqual([`own ${i}`, `job ${i}`]);
    expect(line(rig.span(`tool's ${i}`))).toEqual([
      `tool's ${i}`,
      "tool.call work",
      `plan ${i}`,
      `job ${i}`,
    ]);
    expect(line(rig.span(`child's ${i}`))).toEqual([`child's ${i}`, "job child", `job ${i}`]);
  }
  expect(new Set(rig.spans().map((span) => span.spanContext().traceId)).size).toBe(inputs.length);
  expect(trace.getActiveSpan()).toBeUndefined();
});

test("a span that is active elsewhere is no parent of a job's operations, nor active in the jobs that it delegates", async () => {
  const key = createContextKey("mine");
  const rigged: { tracer?: Tracer } = {};
  const agent = defineAgent({
    name: "a",
    async run(ctx) {
      await context.with(ROOT_CONTEXT, () => ctx.tools.call("look"));
      const foreign = rigged.tracer?.startSpan("foreign", {}, ROOT_CONTEXT);
      const there = foreign && trace.setSpan(ROOT_CONTEXT, foreign);
      await context.with(there ?? ROOT_CONTEXT, () => ctx.tools.call("look"));
      foreign?.end();
      const mine = context.active().setValue(key, "mine");
      const child = await context.with(mine, () => ctx.delegate("child"));
      return await child.result();
    },
  });
  const child = defineAgent({
    name: "child",
    run: async () => context.active().getValue(key) ?? "nothing",
  });
  await using rig = await hosting({ agents: [agent, child], tools: { look: () => 1 } });
  rigged.tracer = rig.tracer;
  const lease = { "tool.call": ["*"], "agent.delegate": ["*"] };
  const job = await rig.client.submit("a", null, { lease });
  expect(await job.result()).toBe("nothing");
  const { spanId } = rig.span("job a").spanContext();
  const looks = rig.spans().filter(({ name }) => name === "tool.call look");
  expect(looks.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([spanId, spanId]);
});

test("an agent's exception is recorded on its span, and its client learns no more than without tracing", async () => {
  const fails = defineAgent({
    name: "fails",
    run: async () => {
      throw new TypeError("the parser gave up");
    },
  });
  const refuses = defineAgent({
    name: "refuses",
    run: async () => {
      throw new ArcpError("INVALID_REQUEST", "no such page");
    },
  });
  await using rig = await hosting({ agents: [fails, refuses] });
  const job = await rig.client.submit("fails");
  await expect(job.result()).rejects.not.toThrow("parser");
  const { status, events, attributes } = rig.span("job fails");
  expect(status.code).toBe(SpanStatusCode.ERROR);
  expect(attributes).toMatchObject({ "error.type": "INTERNAL_ERROR", "arcp.job.status": "error" });
  expect(events).toMatchObject([
    { name: "exception", attributes: { "exception.message": "the parser gave up" } },
  ]);
  const other = await rig.client.submit("refuses");
  await expect(other.result()).rejects.toThrow("no such page");
  expect(rig.span("job refuses").status).toEqual({
    code: SpanStatusCode.ERROR,
    message: "no such page",
  });
});

test("refusals are events of the job's span, including that of an exhausted budget", async () => {
  const agent = defineAgent({
    name: "spends",
    async run(ctx) {
      await ctx.tools.call("other").catch(() => {});
      await ctx.metric({ name: "cost.x", value: 2, unit: "USD" });
      await ctx.tools.call("mine").catch(() => {});
      expect(() => ctx.spend.reserve({ USD: "1" })).toThrow();
    },
  });
  await using rig = await hosting({ agents: [agent], tools: { mine: () => 1 } });
  const lease = { "tool.call": ["mine"], "cost.budget": ["USD:1"] };
  const job = await rig.client.submit("spends", null, { lease });
  await job.result();
  const { events, attributes, status } = rig.span("job spends");
  expect(events.map(({ name, attributes: of }) => [name, ...Object.values(of ?? {})])).toEqual([
    ["arcp.refusal", "tool.call", "other", "PERMISSION_DENIED"],
    ["arcp.refusal", "tool.call", "mine", "BUDGET_EXHAUSTED"],
    ["arcp.refusal", "spend.reserve", "USD", "BUDGET_EXHAUSTED"],
  ]);
  expect(attributes["arcp.budget.remaining"]).toBe('{"USD":-1}');
  expect(status.code).toBe(SpanStatusCode.UNSET);
});

async function answering(status: number) {
  const traces: unknown[] = [];
  const server = createServer((request, reply) => {
    traces.push(request.headers["traceparent"]);
    reply.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    traces,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
