import { defineAgent } from "@arcp/runtime";
import { expect, test } from "vitest";
import { clientOf, hosting, settled } from "../test/hosting.ts";
import type { Measured } from "../test/telemetry.ts";

const sorted = (measured: readonly Measured[]) =>
  measured
    .map(({ value, attributes }) => `${Object.values(attributes).join(" ")}: ${value}`)
    .sort();

test("gauges are read when the meter collects them", async () => {
  const go = Promise.withResolvers<void>();
  const waits = defineAgent({
    name: "waits",
    async run(ctx) {
      for (let i = 0; i < 9; i++) await ctx.log.info("working");
      await go.promise;
    },
  });
  const rig = await hosting({ agents: [waits], limits: { backPressureThreshold: 4 } });
  const { client, runtime, metric } = rig;
  const gone = await clientOf(runtime);
  await gone.close();
  const job = await client.submit("waits");
  await settled();
  expect(sorted(await metric("arcp.job.count"))).toEqual(["pending: 0", "running: 1"]);
  expect(sorted(await metric("arcp.session.count"))).toEqual(["connected: 1", "parked: 1"]);
  // The first status and nine lines; when the client acknowledges depends on its own clock.
  expect(await metric("arcp.event.written")).toEqual([{ value: 10, attributes: {} }]);
  expect(await metric("arcp.event.waiting")).toEqual([{ value: 0, attributes: {} }]);
  expect(await metric("arcp.session.lagging")).toEqual([{ value: 1, attributes: {} }]);
  expect(await metric("arcp.session.lag")).toEqual([{ value: 11, attributes: {} }]);
  go.resolve();
  await job.result();
  await settled();
  expect(sorted(await metric("arcp.job.count"))).toEqual(["pending: 0", "running: 0"]);
  expect(await metric("arcp.event.written")).toEqual([{ value: 11, attributes: {} }]);
  await rig.close();
  expect(sorted(await metric("arcp.session.count"))).toEqual(["connected: 0", "parked: 0"]);
  expect(await metric("arcp.event.written")).toEqual([{ value: 11, attributes: {} }]);
});

test("jobs are measured by outcome and duration", async () => {
  const agent = defineAgent({
    name: "a",
    version: "2.0.0",
    run: async (ctx, input) => {
      if (input === "fail") throw new Error("no luck");
      if (input === "wait") await new Promise(() => {});
      ctx.log.info("done");
    },
  });
  await using rig = await hosting({ agents: [agent] });
  const { client, clock, metric } = rig;
  await (await client.submit("a")).result();
  await (await client.submit("a")).result();
  await (await client.submit("a", "fail")).result().catch(() => {});
  const slow = await client.submit("a", "wait", { maxRuntimeSec: 90 });
  await settled();
  clock.advance(90_000);
  await slow.result().catch(() => {});
  await settled();
  const measured = await metric("arcp.job.duration");
  expect(
    measured.map(({ value, attributes }) => {
      const { count, sum } = value as { count: number; sum: number };
      return { count, sum, ...attributes };
    }),
  ).toEqual([
    { count: 2, sum: 0, "arcp.agent": "a@2.0.0", "arcp.job.status": "success" },
    {
      count: 1,
      sum: 0,
      "arcp.agent": "a@2.0.0",
      "arcp.job.status": "error",
      "error.type": "INTERNAL_ERROR",
    },
    {
      count: 1,
      sum: 90,
      "arcp.agent": "a@2.0.0",
      "arcp.job.status": "timed_out",
      "error.type": "TIMEOUT",
    },
  ]);
});

test("operations are counted by outcome, and spending by currency", async () => {
  const agent = defineAgent({
    name: "a",
    async run(ctx) {
      await ctx.tools.call("sum");
      await ctx.tools.call("sum");
      await ctx.tools.call("other").catch(() => {});
      await ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
      await ctx.metric({ name: "cost.y", value: 0.5, unit: "USD" });
      await ctx.metric({ name: "cost.z", value: 3, unit: "credits" });
      await ctx.metric({ name: "latency", value: 7, unit: "ms" });
    },
  });
  await using rig = await hosting({ agents: [agent], tools: { sum: () => 3 } });
  const { client, metric } = rig;
  const lease = { "tool.call": ["sum"], "cost.budget": ["USD:1"] };
  await (await client.submit("a", null, { lease })).result();
  expect(await metric("arcp.operations")).toEqual([
    { value: 2, attributes: { "arcp.operation": "tool.call" } },
    {
      value: 1,
      attributes: { "arcp.operation": "tool.call", "error.type": "PERMISSION_DENIED" },
    },
  ]);
  expect(sorted(await metric("arcp.budget.spent"))).toEqual(["USD: 0.75", "credits: 3"]);
});

test("spending after the end of a job is counted", async () => {
  const answer = Promise.withResolvers<void>();
  const agent = defineAgent({
    name: "a",
    async run(ctx) {
      void ctx.model("acme/small").call(
        () => answer.promise,
        () => ({ input: 250_000 }),
      );
    },
  });
  const models = { "acme/small": { input: { USD: "1" } } };
  await using rig = await hosting({ agents: [agent], models });
  const { client, metric } = rig;
  await (await client.submit("a", null, { lease: { "model.use": ["acme/*"] } })).result();
  await settled();
  expect(await metric("arcp.budget.spent")).toEqual([]);
  answer.resolve();
  await settled();
  expect(sorted(await metric("arcp.budget.spent"))).toEqual(["USD: 0.25"]);
});
