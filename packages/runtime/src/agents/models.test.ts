import { features } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import type { Usage } from "../authority/price.ts";

const MODEL = "mistral/large-3";
const models = {
  [MODEL]: { input: { USD: "2" }, output: { USD: "6" } },
  "local/llama": { input: {}, output: {} },
};
const code = (code: string) => expect.objectContaining({ code });

async function calling(lease: object = {}, options: Parameters<typeof hosting>[0] = {}) {
  const host = hosting({ models, ...options });
  const viewer = new Viewer(host.runtime);
  await viewer.hello(features);
  const lease_request = { "cost.budget": ["USD:1.00"], "model.use": ["mistral/*"], ...lease };
  const job = await host.start(viewer, { lease_request });
  const bodies = async (...kinds: string[]) => {
    await job.ctx.flush();
    await settled();
    return viewer.stream
      .filter(({ payload }: Frame) => kinds.includes(payload.kind ?? ""))
      .map(({ payload }) => payload.body);
  };
  return { ...host, viewer, job, ctx: job.ctx, bodies };
}

const reply = { text: "owls", usage: { prompt_tokens: 120, completion_tokens: 45 } };
const usageOf = ({ usage }: typeof reply): Usage => ({
  input: usage.prompt_tokens,
  output: usage.completion_tokens,
});

test("R-9.6-3: a call is charged exactly, and its metric names the model and the usage", async () => {
  const { ctx, bodies } = await calling();
  expect(await ctx.model(MODEL).call(({ signal }) => ({ ...reply, signal }), usageOf)).toEqual({
    ...reply,
    signal: ctx.signal,
  });
  expect(ctx.budget.remaining()).toEqual({ USD: "0.99949" });
  expect(await bodies("metric")).toEqual([
    {
      name: "cost.inference",
      value: 0.00051,
      unit: "USD",
      dimensions: { input: "120", output: "45", model: MODEL },
    },
    { name: "cost.budget.remaining", value: 0.99949, unit: "USD" },
  ]);
  expect(await bodies("tool_call")).toEqual([]);
});

test("R-9.7-1: a model that no pattern matches is refused before anything is sent, and the stream shows it", async () => {
  const { ctx, bodies } = await calling();
  expect(() => ctx.model("openai/gpt")).toThrow(code("PERMISSION_DENIED"));
  expect(() => ctx.model("local/llama")).toThrow(code("PERMISSION_DENIED"));
  const shown = await bodies("tool_call", "tool_result");
  expect(shown).toEqual([
    { tool: "model.use", call_id: "call_1", args: { model: "openai/gpt" } },
    { call_id: "call_1", error: code("PERMISSION_DENIED") },
    { tool: "model.use", call_id: "call_2", args: { model: "local/llama" } },
    { call_id: "call_2", error: code("PERMISSION_DENIED") },
  ]);
});

test("R-9.3-1: an earlier permit is checked again at each call, with nothing between the check and the call", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL);
  await ctx.metric({ name: "cost.other", value: 1, unit: "USD" });
  let asked = 0;
  await expect(permit.call(() => ++asked)).rejects.toEqual(code("BUDGET_EXHAUSTED"));
  expect(asked).toBe(0);
  expect(await bodies("tool_result")).toEqual([
    { call_id: "call_1", error: code("BUDGET_EXHAUSTED") },
  ]);
  const other = await calling();
  const running = other.ctx.model(MODEL).call(() => {
    asked += 1;
    return reply;
  }, usageOf);
  // It was sent in the very turn in which it was allowed.
  expect(asked).toBe(1);
  await running;
});

test("R-9.3-1: cancelled comes first, then expired, then out of budget, then not covered", async () => {
  const { ctx, job, viewer } = await calling({ "cost.budget": ["USD:0"] });
  expect(() => ctx.model("openai/gpt")).toThrow(code("BUDGET_EXHAUSTED"));
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  expect(() => ctx.model("openai/gpt")).toThrow(code("CANCELLED"));
  expect(() => ctx.authorize("model.use", MODEL)).toThrow(code("CANCELLED"));
});

test("R-9.7-2: without model.use there are no models, unless the operator opened the registered ones", async () => {
  const lease = { "model.use": undefined };
  const closed = await calling(lease);
  expect(() => closed.ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
  const policy = { modelsWithoutLease: "registered" } as const;
  const open = await calling(lease, { policy });
  await open.ctx.model(MODEL).call(() => reply, usageOf);
  await open.ctx.model("local/llama").call(() => reply, usageOf);
  open.ctx.authorize("model.use", MODEL);
  const prices = { input: { USD: "1" } };
  expect(() => open.ctx.model("openai/gpt", { prices })).toThrow(code("PERMISSION_DENIED"));
  const named = await calling({}, { policy });
  expect(() => named.ctx.model("local/llama")).toThrow(code("PERMISSION_DENIED"));
});

test("R-7.1-3: a policy that drops model.use forbids models, even where they are open without it", async () => {
  const policy = {
    modelsWithoutLease: "registered",
    grant: (_: string, { "model.use": __, ...rest }: object & { "model.use"?: unknown }) => rest,
  } as const;
  const { ctx } = await calling({}, { policy });
  expect(() => ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
  expect(ctx.lease["model.use"]).toEqual([]);
});

test("an agent's own prices apply only to a model without a price of the runtime", async () => {
  const { ctx } = await calling();
  expect(() => ctx.model("mistral/new")).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringContaining("mistral/new") }),
  );
  const prices = { input: { USD: "1000" }, output: {} };
  await ctx.model("mistral/new", { prices }).call(() => reply, usageOf);
  expect(ctx.budget.remaining()).toEqual({ USD: "0.88" });
  const cheap = { input: {}, output: {} };
  await ctx.model(MODEL, { prices: cheap }).call(() => reply, usageOf);
  expect(ctx.budget.remaining()).toEqual({ USD: "0.87949" });
  expect(() => ctx.model("mistral/x", { prices: { input: { USD: "free" } } })).toThrow(
    code("MISUSE"),
  );
});

test.each([[""], ["x".repeat(257)], [7], [undefined]])("%j is not a model id", async (id) => {
  const { ctx } = await calling({ "model.use": ["*"] });
  expect(() => ctx.model(id as string)).toThrow(code("INVALID_REQUEST"));
});

test("R-9.6-13: the maximum cost of a call is set aside for it, and released with it", async () => {
  const { ctx } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 50_000, output: 25_000 } });
  expect(ctx.budget.available()).toEqual({ USD: "1" });
  const answered = Promise.withResolvers<typeof reply>();
  const running = permit.call(() => answered.promise, usageOf);
  expect(ctx.budget.available()).toEqual({ USD: "0.75" });
  expect(ctx.budget.remaining()).toEqual({ USD: "1" });
  answered.resolve(reply);
  await running;
  expect(ctx.budget.available()).toEqual({ USD: "0.99949" });
  const failed = permit.call(() => Promise.reject(new Error("down")), usageOf);
  await expect(failed).rejects.toThrow("down");
  expect(ctx.budget.available()).toEqual({ USD: "0.99949" });
  const thrown = permit.call(() => {
    throw new Error("down at once");
  }, usageOf);
  await expect(thrown).rejects.toThrow("down at once");
  expect(ctx.budget.available()).toEqual({ USD: "0.99949" });
  expect(() => ctx.model(MODEL, { reserve: { USD: 1 } })).toThrow("it counts input, output");
});

test("R-9.6-13: the maximum cost of a call is set aside even if no single amount has as many digits", async () => {
  const most = "999999999999999999";
  const prices = { input: { USD: most } };
  const { ctx } = await calling({ "cost.budget": Array.from({ length: 10 }, () => `USD:${most}`) });
  const permit = ctx.model("mistral/gold", { prices, reserve: { input: 10_000_000 } });
  const call = permit.call(
    () => expect(ctx.budget.available()).toEqual({ USD: "0" }),
    () => ({ input: 1 }),
  );
  await call;
  expect(ctx.budget.remaining()).toEqual({ USD: "9999998999999999990.000001" });
  await expect(permit.call(() => "sent")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
});

test("R-9.6-13: of 100 concurrent calls that reserve 0.05 of 1.00 each, exactly 20 are sent, and no money is lost", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 25_000 } });
  let sent = 0;
  const calls = Array.from({ length: 100 }, () =>
    permit.call(
      async () => {
        sent += 1;
        await settled(3);
      },
      () => ({ input: 25_000 }),
    ),
  );
  const outcomes = await Promise.allSettled(calls);
  expect(sent).toBe(20);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toEqual(code("BUDGET_EXHAUSTED"));
  }
  expect(ctx.budget.remaining()).toEqual({ USD: "0" });
  expect(await bodies("tool_result")).toHaveLength(80);
});

test.each([
  ["charged", { input: 50_000 }, "0.2"],
  ["unknown", { input: Number.NaN }, "0.1"],
])(
  "what was %s is no longer set aside, though its metric still has to wait",
  async (_, usage, left) => {
    const { ctx } = await calling({ "cost.budget": ["USD:0.3"] });
    let charging = false;
    const call = ctx.model(MODEL, { reserve: { input: 100_000 } }).call(
      () => reply,
      () => {
        // The turn's budget is used up: the next event waits for another turn (J4).
        for (let i = 0; i < 2_000; i++) void ctx.log.info("x");
        charging = true;
        return usage;
      },
    );
    while (!charging) await Promise.resolve();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect(ctx.budget.remaining()).toEqual({ USD: left });
    expect(ctx.budget.available()).toEqual({ USD: left });
    await Promise.allSettled([call]);
  },
);

test("R-9.6-5: usage beyond the reservation is still charged", async () => {
  const { ctx } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 1 } });
  await permit.call(
    () => reply,
    () => ({ input: 600_000 }),
  );
  expect(ctx.budget.remaining()).toEqual({ USD: "-0.2" });
});

test.each([
  ["missing", () => undefined as unknown as Usage, "the usage is missing"],
  ["NaN", () => ({ input: Number.NaN, output: 1 }), "must count input"],
  ["negative", () => ({ input: 1, output: -1 }), "must count output"],
  ["of another shape", () => ({ tokens: 5 }), "names tokens, which has no price"],
  ["unreadable", (r: any) => r.nothing.here, "its usage could not be read"],
  ["a rejection", () => Promise.reject(new Error("gone")), "its usage could not be read"],
])(
  "R-9.6-4: a usage that is %s is an error, and costs what was reserved",
  async (_, usage, problem) => {
    const { ctx, bodies } = await calling();
    const called = ctx.model(MODEL, { reserve: { input: 125_000 } }).call(() => reply, usage);
    await expect(called).rejects.toEqual(
      expect.objectContaining({
        code: "INVALID_REQUEST",
        message: expect.stringMatching(
          new RegExp(`^${MODEL} answered, but .*${problem}.*; what was reserved is charged$`),
        ),
      }),
    );
    expect(ctx.budget.remaining()).toEqual({ USD: "0.75" });
    expect(ctx.budget.available()).toEqual({ USD: "0.75" });
    expect(await bodies("metric")).toMatchObject([
      { name: "cost.inference", value: 0.25, dimensions: { model: MODEL } },
      { value: 0.75 },
    ]);
    expect(await bodies("tool_result")).toEqual([
      { call_id: "call_1", error: code("INVALID_REQUEST") },
    ]);
  },
);

test("without a reservation an unknown usage cannot be charged, and the error says so", async () => {
  const { ctx, bodies } = await calling();
  await expect(ctx.model(MODEL).call(() => reply)).rejects.toThrow(/nothing could be charged$/);
  expect(ctx.budget.remaining()).toEqual({ USD: "1" });
  expect(await bodies("tool_result")).toHaveLength(1);
});

test("a model that reports its usage while it answers is charged as it goes, and if it fails only for that", async () => {
  const { ctx } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 50_000 } });
  await permit.call(async ({ report }) => {
    await report({ input: 10_000 });
    expect(ctx.budget.remaining()).toEqual({ USD: "0.98" });
    // The rest of its reservation, not the whole of it again.
    expect(ctx.budget.available()).toEqual({ USD: "0.9" });
    expect(() => report({ input: -1 })).toThrow("must count input");
    await report({ input: 5_000 });
  });
  expect(ctx.budget.remaining()).toEqual({ USD: "0.97" });
  expect(ctx.budget.available()).toEqual({ USD: "0.97" });
  const broken = permit.call(async ({ report }) => {
    await report({ input: 10_000 });
    throw new Error("the connection broke");
  });
  await expect(broken).rejects.toThrow("the connection broke");
  expect(ctx.budget.available()).toEqual({ USD: "0.95" });
  // If its final usage is unknown, only the rest of the reservation is charged.
  const half = permit.call(
    ({ report }) => report({ input: 10_000 }),
    () => ({ input: Number.NaN }),
  );
  await expect(half).rejects.toEqual(code("INVALID_REQUEST"));
  expect(ctx.budget.remaining()).toEqual({ USD: "0.85" });
});

test("a call that fails after an invalid report, but not for that, fails with its own error and costs nothing", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 50_000 } });
  const broken = new Error("the connection broke");
  const called = permit.call(({ report }) => {
    expect(() => report({ input: -1 })).toThrow("must count input");
    throw broken;
  });
  await expect(called).rejects.toBe(broken);
  await expect(permit.call(() => Promise.reject(undefined))).rejects.toBe(undefined);
  expect(ctx.budget.available()).toEqual({ USD: "1" });
  expect(await bodies("tool_result")).toEqual([]);
});

test("R-9.6-12: the upstream's error for an exhausted budget reaches agent and stream as ours, others as they are", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 1_000 } });
  const exceeded = Object.assign(new Error("429"), {
    status: 429,
    error: { type: "budget_exceeded" },
  });
  await expect(permit.call(() => Promise.reject(exceeded))).rejects.toEqual(
    code("BUDGET_EXHAUSTED"),
  );
  const limited = Object.assign(new Error("slower"), { status: 429 });
  await expect(permit.call(() => Promise.reject(limited))).rejects.toBe(limited);
  expect(await bodies("tool_result")).toEqual([
    { call_id: "call_1", error: expect.objectContaining({ code: "BUDGET_EXHAUSTED" }) },
  ]);
  expect(ctx.budget.available()).toEqual({ USD: "1" });
});

test("R-7.3-3: a call that outlives its job charges nothing and does no harm", async () => {
  const { ctx, job, viewer } = await calling();
  const answered = Promise.withResolvers<typeof reply>();
  const running = ctx
    .model(MODEL, { reserve: { input: 1_000 } })
    .call(() => answered.promise, usageOf);
  job.end("done");
  await viewer.terminal(job.id);
  answered.resolve(reply);
  await running;
  expect(ctx.budget.remaining()).toEqual({ USD: "1" });
});

test("a refusal that is not awaited does not end the process", async () => {
  const { ctx } = await calling({ "cost.budget": ["USD:1", "EUR:0.1"] });
  const permit = ctx.model(MODEL);
  await ctx.metric({ name: "cost.x", value: 1, unit: "EUR" });
  void permit.call(() => reply, usageOf);
  void permit.call(() => reply);
  await settled();
});

test("R-9.6-4: a call that fails by its own report of an invalid usage costs what was reserved", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 125_000 } });
  const streamed = permit.call(async ({ report }) => {
    await report({ input: 25_000 });
    await report({ input: Number.NaN });
  });
  await expect(streamed).rejects.toEqual(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/must count input.*; what was reserved is charged$/),
      cause: code("INVALID_REQUEST"),
    }),
  );
  expect(ctx.budget.available()).toEqual({ USD: "0.75" });
  expect(await bodies("tool_result")).toEqual([
    { call_id: "call_1", error: code("INVALID_REQUEST") },
  ]);
});

test("R-9.6-4: an invalid report whose error the call ignores, and does not correct, costs what was reserved", async () => {
  const { ctx, bodies } = await calling();
  const permit = ctx.model(MODEL, { reserve: { input: 125_000 } });
  const called = permit.call(async ({ report }) => {
    await report({ input: 25_000 });
    expect(() => report({ input: Number.NaN })).toThrow("must count input");
    return reply;
  });
  await expect(called).rejects.toThrow(/must count input.*; what was reserved is charged$/);
  expect(ctx.budget.remaining()).toEqual({ USD: "0.75" });
  expect(ctx.budget.available()).toEqual({ USD: "0.75" });
  expect(await bodies("tool_result")).toEqual([
    { call_id: "call_1", error: code("INVALID_REQUEST") },
  ]);
});
