import type { ToolCall } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, settled } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const bodies = (envelopes: readonly StreamEnvelope[], wanted: string) =>
  envelopes.flatMap((envelope) => {
    if (envelope.type !== "job.event") return [];
    const { kind, body } = envelope.payload;
    return kind === wanted ? [body as Record<string, any>] : [];
  });
const remainders = (envelopes: readonly StreamEnvelope[]) =>
  bodies(envelopes, "metric").filter(({ name }) => name === "cost.budget.remaining");

describe.each(ways)("spending over %s", (way) => {
  test("R-9.6-13: of 100 concurrent tool calls that each reserve 0.05 of 1.00, exactly 20 run", async () => {
    let running = 0;
    let ran = 0;
    const search = async (_args: unknown, { spend }: ToolCall): Promise<number> => {
      await using cost = spend.reserve({ USD: "0.05" }, { name: "cost.search" });
      ran += 1;
      running += 1;
      // Long enough for all of them to have reserved, or tried to.
      await settled();
      running -= 1;
      await cost.settle();
      return ran;
    };
    await using stage = await Stage.open(way, { tools: { search } });
    const wire = await stage.greeted();
    const lease_request = { "cost.budget": ["USD:1.00"], "tool.call": ["search"] };
    const { accepted, puppet } = await stage.played(wire, { lease_request });
    expect(accepted.payload.budget).toEqual({ USD: 1 });
    const { tools, budget } = puppet.ctx;
    const calls = Array.from({ length: 100 }, (_, n) => tools.call("search", { n }));
    const outcomes = await Promise.allSettled(calls);
    puppet.finish(outcomes.filter(({ status }) => status === "fulfilled").length);
    expect([ran, running]).toEqual([20, 0]);
    expect([budget.remaining(), budget.available()]).toEqual([{ USD: "0" }, { USD: "0" }]);
    const all = await wire.until(isTerminal);
    expect(all.at(-1)?.payload).toMatchObject({ result: 20 });
    const results = bodies(all, "tool_result");
    expect(results).toHaveLength(100);
    expect(results.filter(({ error }) => error === undefined)).toHaveLength(20);
    const codes = results.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
    expect(new Set(codes)).toEqual(new Set(["BUDGET_EXHAUSTED"]));
    const costs = bodies(all, "metric").filter(({ name }) => name === "cost.search");
    expect(costs.map(({ value, unit }) => `${value} ${unit}`)).toEqual(Array(20).fill("0.05 USD"));
    expect(remainders(all).at(-1)).toMatchObject({ value: 0, unit: "USD" });
  });
});
