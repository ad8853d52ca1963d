import { TRACE_CONTEXT } from "@arcp/core";
import { expect, test } from "vitest";
import { hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import type { ToolCall } from "../agents/tool.ts";

const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const TRACEPARENT = `00-${ID}-00f067aa0ba902b7-00`;

async function traced(rest: object = {}, envelope: object = {}) {
  const told: unknown[] = [];
  const tools = { t: (_: unknown, { trace }: ToolCall) => told.push(trace) };
  const { runtime, begun } = hosting({ tools });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const payload = { agent: "led", lease_request: { "tool.call": ["t"] }, ...rest };
  const accepted = await viewer.reply(viewer.send("job.submit", payload, envelope));
  const { ctx } = (await begun.get(accepted.job_id ?? "")?.promise) ?? {};
  if (ctx === undefined) throw new Error("it did not begin");
  await ctx.tools.call("t");
  return { accepted, ctx, told };
}

test("R-11-5: agent and tools get the complete trace context of the submit", async () => {
  const context = { traceparent: TRACEPARENT, tracestate: "acme=1" };
  const { accepted, ctx, told } = await traced({}, { extensions: { [TRACE_CONTEXT]: context } });
  expect(ctx.trace).toEqual({ traceId: ID, ...context });
  expect(told).toEqual([ctx.trace]);
  expect(accepted.trace_id).toBe(ID);
  expect(ctx.job.traceId).toBe(ID);
});

test("R-11-5: a submit with only a trace id, or none, gets a context with one parent id for the whole job", async () => {
  for (const envelope of [{ trace_id: ID }, {}, { trace_id: "unusable" }]) {
    const { accepted, ctx, told } = await traced({}, envelope);
    const id = "trace_id" in envelope && envelope.trace_id === ID ? ID : accepted.trace_id;
    expect(accepted.trace_id).toBe(id);
    expect(ctx.trace.traceparent).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-01$`));
    expect(told).toEqual([ctx.trace]);
    expect(ctx.trace).not.toHaveProperty("tracestate");
  }
});
