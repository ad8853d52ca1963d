import { features } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import type { AgentContext } from "../agents/context.ts";

const code = (code: string) => expect.objectContaining({ code });

async function spending(options: Parameters<typeof hosting>[0] = {}, rest: object = {}) {
  const tools = { search: () => "found" };
  const host = hosting({ tools, ...options });
  const viewer = new Viewer(host.runtime);
  await viewer.hello(features);
  const lease_request = { "cost.budget": ["USD:1"], "tool.call": ["search"] };
  const job = await host.start(viewer, { lease_request, ...rest });
  const spend = () => job.ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
  const kinds = () => viewer.stream.map(({ type, payload }: Frame) => payload.kind ?? type);
  return { ...host, viewer, job, ctx: job.ctx, spend, kinds };
}

test("R-9.6-7 and R-9.3-4: by default a job goes on after its budget is exhausted", async () => {
  const { ctx, job, spend, viewer } = await spending();
  await spend();
  await expect(ctx.tools.call("search")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
  await settled();
  job.end("done all the same");
  expect((await viewer.terminal(job.id)).payload).toMatchObject({ result: "done all the same" });
});

test("R-9.6-7: if the operator chose so, the first refused operation ends the job, and is shown first", async () => {
  const { ctx, job, spend, viewer, kinds } = await spending({ endJobsAtExhaustion: true });
  await spend();
  await settled();
  expect(kinds()).not.toContain("job.error");
  await expect(ctx.tools.call("search")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
  const { payload } = await viewer.terminal(job.id);
  expect(payload).toMatchObject({
    final_status: "error",
    code: "BUDGET_EXHAUSTED",
    retryable: false,
    message: expect.stringContaining("0 USD remain"),
  });
  expect(kinds().slice(-3)).toEqual(["tool_call", "tool_result", "job.error"]);
  expect(ctx.signal.aborted).toBe(true);
});

test.each<[string, (ctx: AgentContext) => unknown]>([
  ["ctx.authorize", (ctx) => ctx.authorize("tool.call", "search")],
  ["ctx.spend.reserve", (ctx) => ctx.spend.reserve({ USD: "0.1" })],
  ["ctx.model", (ctx) => ctx.model("any")],
])("R-9.6-7: %s is an operation like any other", async (_, operation) => {
  const { ctx, job, spend, viewer } = await spending({ endJobsAtExhaustion: true });
  await spend();
  expect(() => operation(ctx)).toThrow(code("BUDGET_EXHAUSTED"));
  expect((await viewer.terminal(job.id)).payload.code).toBe("BUDGET_EXHAUSTED");
});

test("R-9.6-7: an agent that spends its whole budget and then returns has succeeded", async () => {
  const { job, spend, viewer } = await spending({ endJobsAtExhaustion: true });
  await spend();
  job.end("just enough");
  expect((await viewer.terminal(job.id)).payload).toMatchObject({ result: "just enough" });
});

test("R-9.6-13: a reservation that does not fit ends nothing, since the budget is not exhausted", async () => {
  const { ctx, job, viewer } = await spending({ endJobsAtExhaustion: true });
  expect(() => ctx.spend.reserve({ USD: "1.01" })).toThrow(code("BUDGET_EXHAUSTED"));
  await settled();
  job.end("cheaper");
  expect((await viewer.terminal(job.id)).payload).toMatchObject({ result: "cheaper" });
});

test("R-9.6-7: after the refusal an agent can neither succeed nor fail otherwise; only a cancel overrides it", async () => {
  const first = await spending({ endJobsAtExhaustion: true });
  await first.spend();
  expect(() => first.ctx.authorize("tool.call", "search")).toThrow();
  first.job.end("too late");
  expect((await first.viewer.terminal(first.job.id)).payload.code).toBe("BUDGET_EXHAUSTED");

  const second = await spending({ endJobsAtExhaustion: true });
  await second.spend();
  expect(() => second.ctx.authorize("tool.call", "search")).toThrow();
  second.job.fail(new Error("mine"));
  expect((await second.viewer.terminal(second.job.id)).payload.code).toBe("BUDGET_EXHAUSTED");
  const terminals = second.viewer.stream.filter(({ type }) => type !== "job.event");
  expect(terminals).toHaveLength(1);
});

test("R-9.5-4: a lease that expires right after the refusal has the last word", async () => {
  const { clock, runtime, start } = hosting({ endJobsAtExhaustion: true, endJobsAtExpiry: false });
  const viewer = new Viewer(runtime);
  await viewer.hello(features);
  const job = await start(viewer, {
    lease_request: { "cost.budget": ["USD:0"] },
    lease_constraints: { expires_at: new Date(clock.now() + 1_000).toISOString() },
  });
  expect(() => job.ctx.authorize("tool.call", "t")).toThrow(code("BUDGET_EXHAUSTED"));
  clock.advance(1_000);
  expect(() => job.ctx.authorize("tool.call", "t")).toThrow(code("LEASE_EXPIRED"));
  expect((await viewer.terminal(job.id)).payload.code).toBe("LEASE_EXPIRED");
});
