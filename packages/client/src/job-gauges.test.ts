import { linkedPair } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, test } from "vitest";
import { type Client, connect, type SavedSession, type WatchedJob } from "./index.ts";
import { JobGauges } from "./job-gauges.ts";

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
  // A later reader learns what remains, and of progress when there is more.
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

test("R-7.2-3: a submit that leads to an existing job shows how far that is", async () => {
  const last = Promise.withResolvers<void>();
  const worker = defineAgent({
    name: "worker",
    async run(ctx) {
      for (const current of [1, 2, 3]) {
        if (current === 3) await last.promise;
        await ctx.progress({ current, total: 3 });
        await ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
        await ctx.flush();
      }
    },
  });
  const runtime = createRuntime({ agents: [worker], auth: tokenTable({ secret: "alice" }) });
  const join = (restore?: SavedSession) =>
    connect(
      async () => {
        const { client, runtime: far } = linkedPair();
        runtime.serve(far);
        return client;
      },
      { token: "secret", restore },
    );
  const submit = (client: Client) =>
    client.submit("worker", null, { lease: { "cost.budget": ["USD:1"] }, idempotencyKey: "once" });

  // Its own session gets only what is new; what came before is read from the history.
  const first = await join();
  for await (const { kind, body } of (await submit(first)).events) {
    if (kind === "metric" && body.name === "cost.budget.remaining" && body.value === 0.5) break;
  }
  const second = await join(await first.save());
  const during = await submit(second);
  last.resolve();
  await during.result();
  expect(during.progress?.current).toBe(3);
  const reader = during.events[Symbol.asyncIterator]();
  for (let step = 0; step < 3; step++) await reader.next();
  expect(during.progress?.current).toBe(3);
  expect(during.budget.get("USD")).toBe(0.25);

  const third = await join(await second.save());
  const after = await submit(third);
  await after.result();
  for await (const _ of after.events);
  expect(after.progress).toEqual({ current: 3, total: 3 });
  expect(after.budget.get("USD")).toBe(0.25);
  await third.close();
  await runtime.close();
});

test("R-7.6-5: a budget reported in a replay is older than the reply before it", async () => {
  const spend = Promise.withResolvers<void>();
  const worker = defineAgent({
    name: "worker",
    async run(ctx) {
      for (const value of [0.25, 0.25]) await ctx.metric({ name: "cost.x", value, unit: "USD" });
      await ctx.flush();
      await spend.promise;
      await ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
    },
  });
  await using runtime = createRuntime({ agents: [worker], auth: tokenTable({ secret: "alice" }) });
  const shown: unknown[] = [];
  let watched: WatchedJob | undefined;
  const dial = async () => {
    const { client, runtime: far } = linkedPair();
    runtime.serve(far);
    const frames = (async function* () {
      for await (const frame of client.frames) {
        yield frame;
        if (watched !== undefined) shown.push(watched.budget.get("USD"));
      }
    })();
    return { frames, send: client.send.bind(client), close: client.close.bind(client) };
  };
  await using client = await connect(dial, { token: "secret" });
  await using other = await connect(dial, { token: "secret" });
  const job = await client.submit("worker", null, { lease: { "cost.budget": ["USD:1"] } });
  for await (const { kind, body } of job.events) {
    if (kind === "metric" && body.name === "cost.budget.remaining" && body.value === 0.5) break;
  }
  watched = await other.subscribe(job.id, { history: true });
  expect(watched.budget.get("USD")).toBe(0.5);
  spend.resolve();
  await watched.result();
  expect(new Set(shown)).toEqual(new Set([0.5, 0.25]));
});

test("a budget in an acceptance is older than what was reported since", () => {
  const gauges = new JobGauges();
  gauges.begin({ USD: 1 });
  const body = { name: "cost.budget.remaining", value: 0.25, unit: "USD" };
  gauges.take({ kind: "metric", body, seq: 1, jobSeq: 1, ts: undefined });
  gauges.begin({ USD: 1, EUR: 2 });
  expect(Object.fromEntries(gauges.budget)).toEqual({ USD: 0.25, EUR: 2 });
});

test("a runtime that reports ever more currencies fills no memory, and the first ones stay up to date", () => {
  const gauges = new JobGauges();
  gauges.begin({ EUR: 2 });
  const tell = (unit: string, value: number, jobSeq: number): void => {
    const body = { name: "cost.budget.remaining", value, unit, dimensions: undefined };
    gauges.take({ kind: "metric", body, seq: jobSeq, jobSeq, ts: undefined });
  };
  for (let n = 1; n <= 5_000; n++) tell(`X${n}`, n, n);
  tell("EUR", 1, 5_001);
  expect(gauges.budget.size).toBe(1_000);
  expect(gauges.budget.get("EUR")).toBe(1);
});
