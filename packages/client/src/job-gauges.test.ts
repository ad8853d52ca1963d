import { linkedPair } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, test } from "vitest";
import { connect } from "./index.ts";

test("R-8.2-2 and R-9.6-9: a handle knows the latest progress, and what remains of each budget", async () => {
  const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const worker = defineAgent({
    name: "worker",
    async run(ctx) {
      await steps[0]?.promise;
      await ctx.progress({ current: 1, total: 3, units: "pages" });
      await ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
      await ctx.flush();
      await steps[1]?.promise;
      await ctx.progress({ current: 2, total: 3, units: "pages" });
      await ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    },
  });
  const runtime = createRuntime({ agents: [worker], auth: tokenTable({ secret: "alice" }) });
  const join = () =>
    connect(
      async () => {
        const { client, runtime: far } = linkedPair();
        runtime.serve(far);
        return client;
      },
      { token: "secret" },
    );
  const [client, other] = [await join(), await join()];
  const lease = { "cost.budget": ["USD:1", "EUR:2"] };
  const job = await client.submit("worker", null, { lease });
  expect(job.progress).toBeUndefined();
  expect(Object.fromEntries(job.budget)).toEqual({ USD: 1, EUR: 2 });

  const metrics = job.events[Symbol.asyncIterator]();
  steps[0]?.resolve();
  for (let told = false; !told; ) {
    const { value } = await metrics.next();
    told = value?.kind === "metric" && value.body.name === "cost.budget.remaining";
  }
  expect(job.progress).toEqual({ current: 1, total: 3, units: "pages" });
  expect(Object.fromEntries(job.budget)).toEqual({ USD: 0.75, EUR: 2 });
  // Whoever comes later is told what remains, and hears of progress when there is more.
  const watched = await other.subscribe(job.id);
  expect(Object.fromEntries(watched.budget)).toEqual({ USD: 0.75, EUR: 2 });
  steps[1]?.resolve();
  await Promise.all([job.result(), watched.result()]);
  for (const handle of [job, watched]) {
    expect(handle.progress).toMatchObject({ current: 2 });
    expect(Object.fromEntries(handle.budget)).toEqual({ USD: -0.25, EUR: 2 });
  }
  await Promise.all([client.close(), other.close()]);
  await runtime.close();
});
