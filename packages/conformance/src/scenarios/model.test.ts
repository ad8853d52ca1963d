import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const MODEL = "mistral/large-3";
const models = { [MODEL]: { input: { EUR: "2" }, output: { EUR: "6" } } };
const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const code = (code: string) => expect.objectContaining({ code });
const bodies = (envelopes: readonly StreamEnvelope[], ...kinds: string[]) =>
  envelopes.flatMap((e) =>
    e.type === "job.event" && kinds.includes(e.payload.kind) ? [e.payload.body] : [],
  );
const ask = () => ({ text: "owls", tokens: { input: 100_000, output: 50_000 } });
const usageOf = ({ tokens }: ReturnType<typeof ask>) => tokens;

describe.each(ways)("over %s", (way) => {
  test("R-9.7-1 and R-9.7-3: model.use is agreed on without credentials, and bounds which models may be called", async () => {
    await using stage = await Stage.open(way, { models });
    const wire = await stage.greeted();
    expect(wire.features.has("model.use")).toBe(true);
    expect(wire.features.has("provisioned_credentials")).toBe(false);
    const lease_request = { "model.use": ["mistral/*"], "cost.budget": ["EUR:1.00"] };
    const { accepted, puppet } = await stage.played(wire, { lease_request });
    expect(accepted.payload.lease).toEqual(lease_request);
    const { model } = puppet.ctx;
    expect(await model(MODEL).call(ask, usageOf)).toMatchObject({ text: "owls" });
    for (const id of ["openai/gpt", "mistral", "mistral/eu/large-3", "MISTRAL/large-3"]) {
      expect(() => model(id), id).toThrow(code("PERMISSION_DENIED"));
    }
    puppet.finish("still running");
    const all = await wire.until(isTerminal);
    expect(bodies(all, "metric")).toEqual([
      {
        name: "cost.inference",
        value: 0.5,
        unit: "EUR",
        dimensions: { input: "100000", output: "50000", model: MODEL },
      },
      { name: "cost.budget.remaining", value: 0.5, unit: "EUR" },
    ]);
    expect(bodies(all, "tool_call")).toHaveLength(4);
    expect(bodies(all, "tool_call")[0]).toMatchObject({
      tool: "model.use",
      args: { model: "openai/gpt" },
    });
    expect(bodies(all, "tool_result")).toEqual(
      Array.from({ length: 4 }, () =>
        expect.objectContaining({ error: code("PERMISSION_DENIED") }),
      ),
    );
    expect(all.at(-1)?.payload).toMatchObject({ result: "still running" });
  });

  test("R-9.6-6 and R-9.6-13: models spend from the budget, and a call that would not fit is not sent", async () => {
    let sent = 0;
    const send = () => {
      sent += 1;
      return ask();
    };
    await using stage = await Stage.open(way, { models });
    const wire = await stage.greeted();
    const lease_request = { "model.use": ["**"], "cost.budget": ["EUR:1.20"] };
    const { puppet } = await stage.played(wire, { lease_request });
    const permit = puppet.ctx.model(MODEL, { reserve: { input: 100_000, output: 50_000 } });
    const calls = Array.from({ length: 5 }, () => permit.call(send, usageOf));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(sent).toBe(2);
    await puppet.ctx.model(MODEL).call(send, usageOf);
    expect(() => puppet.ctx.model(MODEL)).toThrow(code("BUDGET_EXHAUSTED"));
    puppet.finish();
    const all = await wire.until(isTerminal);
    const told = bodies(all, "metric").filter(
      (body) => (body as { name: string }).name === "cost.budget.remaining",
    );
    expect(told.at(-1)).toMatchObject({ value: -0.3, unit: "EUR" });
    const errors = bodies(all, "tool_result").map((body) => (body as { error: object }).error);
    expect(errors).toEqual(Array.from({ length: 4 }, () => code("BUDGET_EXHAUSTED")));
  });

  test("R-9.7-2: without model.use no model may be called, unless the operator opened the registered ones", async () => {
    await using closed = await Stage.open(way, { models });
    const wire = await closed.greeted();
    for (const lease_request of [undefined, {}, { "tool.call": ["**"] }]) {
      const { puppet } = await closed.played(wire, { lease_request });
      expect(() => puppet.ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
      puppet.finish();
      await wire.until(isTerminal);
    }
    const policy = { modelsWithoutLease: "registered" } as const;
    await using open = await Stage.open(way, { models, policy });
    const other = await open.greeted();
    const { puppet } = await open.played(other);
    await puppet.ctx.model(MODEL).call(ask, usageOf);
    expect(() => puppet.ctx.model("openai/gpt")).toThrow(code("PERMISSION_DENIED"));
    const named = await open.played(other, { lease_request: { "model.use": [] } });
    expect(() => named.puppet.ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
  });

  test("R-9.4-3 and R-9.6-8: a child that names no models gets its parent's if none would mean all, otherwise none", async () => {
    const policy = { modelsWithoutLease: "registered" } as const;
    const priced = { ...models, "openai/gpt": { input: { EUR: "1" }, output: { EUR: "1" } } };
    for (const open of [true, false]) {
      await using stage = await Stage.open(way, { models: priced, ...(open && { policy }) });
      const wire = await stage.greeted();
      const lease_request = {
        "agent.delegate": ["puppet"],
        "model.use": ["mistral/*"],
        "cost.budget": ["EUR:1"],
      };
      const { puppet: parent } = await stage.played(wire, { lease_request });
      await parent.ctx.delegate("puppet");
      const { ctx } = await stage.puppets.next();
      expect(ctx.lease).toEqual(open ? { "model.use": ["mistral/*"] } : {});
      expect(() => ctx.model("openai/gpt")).toThrow(code("PERMISSION_DENIED"));
      if (!open) {
        expect(() => ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
        continue;
      }
      await ctx.model(MODEL).call(ask, usageOf);
      expect(parent.ctx.budget.remaining()).toEqual({ EUR: "0.5" });
      await parent.ctx.delegate("puppet", null, { lease: { "model.use": [] } });
      const none = await stage.puppets.next();
      expect(() => none.ctx.model(MODEL)).toThrow(code("PERMISSION_DENIED"));
      const wider = parent.ctx.delegate("puppet", null, { lease: { "model.use": ["*/*"] } });
      await expect(wider).rejects.toEqual(code("LEASE_SUBSET_VIOLATION"));
    }
  });

  test("R-9.6-12: an upstream whose budget is used up is reported as BUDGET_EXHAUSTED, in the stream too", async () => {
    await using stage = await Stage.open(way, { models });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { lease_request: { "model.use": ["**"] } });
    const exceeded = { status: 429, error: { type: "budget_exceeded", message: "spent 26.07" } };
    const called = puppet.ctx.model(MODEL).call(() => Promise.reject(exceeded));
    await expect(called).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    puppet.finish();
    const all = await wire.until(isTerminal);
    expect(bodies(all, "tool_result")).toEqual([
      expect.objectContaining({ error: code("BUDGET_EXHAUSTED") }),
    ]);
    expect(JSON.stringify(all)).not.toContain("26.07");
  });
});
