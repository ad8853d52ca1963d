import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import { childOf } from "../child-step.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, stepValue } from "../script-outcome.ts";
import { call, counted, left, spend } from "../spending-step.ts";

const agent = "conformance.script";
const budgets = feature("cost.budget");
const tools = { "tool.call": ["conformance.*"] };

function remainders(all: readonly StreamEnvelope[]): unknown[] {
  return bodiesOf(all, "metric")
    .filter(({ name }) => name === "cost.budget.remaining")
    .map(({ value }) => value);
}

export const spending: readonly Scenario[] = [
  {
    name: "an exhausted budget shows as the error of an operation, and the job continues",
    verifies: ["R-9.6-7"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const steps = [spend(1.5), call("c"), { do: "return", value: "what I have" } as const];
      const lease_request = { "cost.budget": ["EUR:1"], ...tools };
      const all = await site.played(wire, steps, { lease_request });
      const [{ error } = {}] = bodiesOf(all, "tool_result");
      const { code, retryable } = error as { code: string; retryable: boolean };
      assert.deepEqual([code, retryable], ["BUDGET_EXHAUSTED", false]);
      assert.equal(endOf(all).result, "what I have");
    },
  },
  {
    name: "what children spend is charged to their parent, and no child can spend what it does not have",
    verifies: ["R-9.6-8"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const child = (amount: number, as: string, lease: Record<string, string[]>) =>
        childOf([spend(amount), call("call")], { lease, outcome: true, as });
      const all = await site.played(
        wire,
        [
          child(0.75, "own", { "cost.budget": ["EUR:1"], ...tools }),
          left("first"),
          child(1.25, "none", tools),
          left("second"),
          child(1, "last", { "cost.budget": ["EUR:2"], ...tools }),
          left("third"),
          child(1, "more", tools),
        ],
        { lease_request: { "cost.budget": ["EUR:4"], "agent.delegate": [agent], ...tools } },
      );
      const amounts = ["first", "second", "third"].map((as) => counted(all, as, "remaining").EUR);
      assert.deepEqual(amounts, [3.25, 2, 1], "the parent's counter");
      const calls = ["own", "none", "last", "more"].map((as) => {
        const value = stepValue(all, as) as {
          result: { call: { refused?: { code: string } } };
        };
        return value.result.call.refused?.code ?? "allowed";
      });
      // The last one has no counter of its own: it is its parent's that is at zero.
      assert.deepEqual(calls, ["allowed", "allowed", "allowed", "BUDGET_EXHAUSTED"]);
    },
  },
  {
    name: "the remainder is reported after the cost: the first time, in steps of 5 percent, at zero and before the end",
    verifies: ["R-9.6-9", "R-9.6-10", "R-9.6-11"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const one = { do: "metric", name: "cost.x", value: 1, unit: "EUR" } as const;
      const lease_request = { "cost.budget": ["EUR:100"] };
      const repeat = (times: number): Step => ({ do: "repeat", times, steps: [one] });
      const all = await site.played(wire, [repeat(100)], { lease_request });
      const told = remainders(all).map(Number);
      assert.equal(told[0], 99, "R-9.6-10: the first decrement");
      assert.equal(told.at(-1), 0, "R-9.6-10: that nothing is left");
      for (const [n, value] of told.entries()) {
        const before = told[n - 1] ?? 100;
        assert.ok(before - value <= 5, `R-9.6-10: from ${before} to ${value} at once`);
      }
      assert.ok(told.length <= 40, `R-9.6-10: ${told.length} notices for 20 steps`);
      let rest = 100;
      for (const { name, value, unit } of bodiesOf(all, "metric")) {
        if (name === "cost.x") rest -= Number(value);
        else assert.deepEqual([value, unit], [rest, "EUR"], "R-9.6-9: the remainder then");
      }
      const few = await site.played(wire, [repeat(12)], { lease_request });
      assert.equal(remainders(few).at(-1), 88, "R-9.6-11: the last word on the budget");
    },
  },
  {
    name: "an upstream without budget is reported as BUDGET_EXHAUSTED",
    verifies: ["R-9.6-12"],
    needs: [feature("model.use")],
    async play(site) {
      const wire = await site.greeted();
      const steps: Step[] = [
        { do: "model", id: "conformance/small", exhausted: true, as: "model" },
        { do: "return", value: "went on" },
      ];
      const lease_request = { "model.use": ["conformance/*"] };
      const all = await site.played(wire, steps, { lease_request });
      const errors = bodiesOf(all, "tool_result").map(({ error }) => error as { code: string });
      assert.deepEqual(
        errors.map(({ code }) => code),
        ["BUDGET_EXHAUSTED"],
      );
      assert.equal(endOf(all).result, "went on");
    },
  },
  {
    name: "reservations set money aside until they are settled or released, and what does not fit is refused",
    verifies: ["R-9.6-13"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const reserves = Array.from(
        { length: 25 },
        (_, n): Step => ({ do: "reserve", amount: "EUR:0.05", name: `r${n}`, as: `r${n}` }),
      );
      const all = await site.played(
        wire,
        [
          ...reserves,
          left("held"),
          { do: "settle", name: "r0", amount: "EUR:0.02" },
          { do: "release", name: "r1" },
          left("eased"),
          { do: "reserve", amount: "EUR:0.08", name: "fits", as: "fits" },
          { do: "reserve", amount: "EUR:0.01", name: "over", as: "over" },
        ],
        { lease_request: { "cost.budget": ["EUR:1.00"] } },
      );
      const answers = answersOf(all);
      const given = reserves.map((_, n) => answers[`r${n}`]);
      assert.deepEqual(given, [...Array(20).fill("allowed"), ...Array(5).fill("BUDGET_EXHAUSTED")]);
      assert.deepEqual(counted(all, "held", "remaining"), { EUR: 1 }, "the counter stays");
      assert.deepEqual(counted(all, "held", "available"), { EUR: 0 });
      assert.deepEqual(counted(all, "eased", "remaining"), { EUR: 0.98 });
      assert.deepEqual(counted(all, "eased", "available"), { EUR: 0.08 });
      assert.deepEqual([answers.fits, answers.over], ["allowed", "BUDGET_EXHAUSTED"]);
      const costs = bodiesOf(all, "metric").filter(({ name }) => name !== "cost.budget.remaining");
      assert.deepEqual(
        costs.map(({ value, unit }) => [value, unit]),
        [[0.02, "EUR"]],
        "what was settled is told as a cost",
      );
    },
  },
];
