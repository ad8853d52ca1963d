import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import { childOf } from "../child-step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { feature } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, stepValue } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";

const agent = "conformance.script";
const budgets = feature("cost.budget");
const tools = { "tool.call": ["conformance.*"] };

const spend = (value: number, unit = "EUR"): Step => ({
  do: "metric",
  name: "cost.x",
  value,
  unit,
});
const left = (as: string): Step => ({ do: "budget", as });
const call = (as: string): Step => ({ do: "tool", name: "conformance.echo", as });

/** What a `budget` step said, as numbers. */
function counted(all: readonly StreamEnvelope[], as: string, which: "remaining" | "available") {
  const value = stepValue(all, as) as Record<typeof which, Record<string, string>>;
  const amounts = Object.entries(value[which]);
  return Object.fromEntries(amounts.map(([currency, amount]) => [currency, Number(amount)]));
}

function remainders(all: readonly StreamEnvelope[]): unknown[] {
  return bodiesOf(all, "metric")
    .filter(({ name }) => name === "cost.budget.remaining")
    .map(({ value }) => value);
}

export const budget: readonly Scenario[] = [
  {
    name: "an amount that does not fit the grammar is refused",
    verifies: ["R-9.6-1"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      for (const amount of [
        "USD:-1",
        "USD:+1",
        "USD:1e3",
        "USD:.5",
        "USD:1.",
        "USD:1,5",
        "USD:1_000",
        "USD:NaN",
        "USD:Infinity",
        "USD: 1",
        "USD:1 ",
        "USD:",
        "USD",
        ":1",
        "5 USD",
        "1:USD",
        "U$D:1",
        `USD:${"9".repeat(19)}`,
        `USD:0.${"9".repeat(19)}`,
        `U${"S".repeat(32)}:1`,
        "*",
      ]) {
        const lease_request = { "cost.budget": ["EUR:1", amount] };
        const asked = wire.submit({ agent, input: { steps: [] }, lease_request });
        assert.equal((await refusal(asked, amount)).code, "INVALID_REQUEST", amount);
      }
      const longest = `U${"S".repeat(31)}:${"9".repeat(18)}.${"9".repeat(18)}`;
      await site.played(wire, [], { lease_request: { "cost.budget": [longest, "a-_9:0"] } });
    },
  },
  {
    name: "each currency has a counter, which begins with the sum of its entries",
    verifies: ["R-9.6-2"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const lease_request = { "cost.budget": ["USD:1", "USD:0.5", "EUR:2", "usd:7"] };
      const { accepted } = await site.play(wire, [spend(1), left("after")], { lease_request });
      assert.deepEqual(accepted.payload.budget, { USD: 1.5, EUR: 2, usd: 7 });
      const all = await wire.until(isTerminal);
      assert.deepEqual(counted(all, "after", "remaining"), { USD: 1.5, EUR: 1, usd: 7 });
    },
  },
  {
    name: "costs reduce the counter of their unit exactly, and nothing else does",
    verifies: ["R-9.6-3"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const uncounted: Step[] = [
        { do: "metric", name: "cost.x", value: 1 },
        { do: "metric", name: "cost.x", value: 1, unit: "usd" },
        { do: "metric", name: "cost.x", value: 1, unit: "GBP" },
        { do: "metric", name: "costs.x", value: 1, unit: "USD" },
        { do: "metric", name: "cost", value: 1, unit: "USD" },
        { do: "metric", name: "x.cost.y", value: 1, unit: "USD" },
        spend(0, "USD"),
      ];
      const dime = { do: "metric", name: "cost.x", value: 0.1, unit: "USD" } as const;
      const all = await site.played(
        wire,
        [
          ...uncounted,
          left("untouched"),
          { do: "repeat", times: 9, steps: [dime] },
          call("nine"),
          dime,
          left("ten"),
          call("eleven"),
        ],
        { lease_request: { "cost.budget": ["USD:1", "EUR:5"], ...tools } },
      );
      assert.deepEqual(counted(all, "untouched", "remaining"), { USD: 1, EUR: 5 });
      assert.deepEqual(counted(all, "ten", "remaining"), { USD: 0, EUR: 5 });
      const { nine, eleven } = answersOf(all);
      assert.deepEqual([nine, eleven], ["allowed", "BUDGET_EXHAUSTED"], "ten times 0.1 is 1");
    },
  },
  {
    name: "a cost below zero, or that is no number, is refused and neither counted nor told",
    verifies: ["R-9.6-4"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const values = [-0.01, "NaN", "Infinity", "abc"] as const;
      const steps = values.map(
        (value): Step => ({ do: "metric", name: "cost.x", value, unit: "EUR", as: `${value}` }),
      );
      const lease_request = { "cost.budget": ["EUR:1"] };
      const all = await site.played(wire, [...steps, left("after")], { lease_request });
      const answers = answersOf(all);
      for (const value of values) assert.notEqual(answers[`${value}`], "allowed", `${value}`);
      assert.deepEqual(counted(all, "after", "remaining"), { EUR: 1 });
      assert.deepEqual(kindsOf(all), ["status", "job.result"]);
    },
  },
  {
    name: "costs above the budget are counted exactly into the red, and then nothing goes but the end",
    verifies: ["R-13-5", "R-9.6-5"],
    needs: [budgets],
    async play(site) {
      const [wire, watcher] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const steps = [call("a"), spend(0.85), call("b"), spend(1.3), call("c"), gate.step];
      const lease_request = { "cost.budget": ["EUR:2.00"], ...tools };
      const { id } = await site.play(wire, steps, { lease_request });
      const seen = await wire.until((e) => bodiesOf([e], "tool_result")[0]?.error !== undefined);
      const { payload } = await watcher.request("job.subscribe", { job_id: id }, { jobId: id });
      assert.deepEqual(payload.budget, { EUR: -0.15 }, "R-9.6-5: the counter");
      await gate.open();
      seen.push(...(await wire.until(isTerminal)));
      assert.deepEqual(
        bodiesOf(seen, "metric").map(({ name, value }) => [name, value]),
        [
          ["cost.x", 0.85],
          ["cost.budget.remaining", 1.15],
          ["cost.x", 1.3],
          ["cost.budget.remaining", -0.15],
        ],
        "R-13-5: the costs and what remains",
      );
      const { a, b, c } = answersOf(seen);
      assert.deepEqual([a, b, c], ["allowed", "allowed", "BUDGET_EXHAUSTED"], "R-13-5: the calls");
    },
  },
  {
    name: "while one counter is at zero or below, every operation fails, whatever its namespace",
    verifies: ["R-9.6-6"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const operations: Step[] = [
        call("tool"),
        { do: "model", id: "conformance/small", as: "model" },
        { do: "delegate", agent, input: { steps: [] }, as: "delegate" },
        { do: "authorize", capability: "fs.read", target: "/srv/a", as: "fs" },
        { do: "authorize", capability: "x-vendor.acme.thing", target: "a", as: "vendor" },
      ];
      const lease_request = {
        ...tools,
        "model.use": ["**"],
        "agent.delegate": ["**"],
        "fs.read": ["/**"],
        "x-vendor.acme.thing": ["**"],
        "cost.budget": ["EUR:1", "USD:100"],
      };
      const steps = [spend(1), ...operations, { do: "thought", text: "free" } as const];
      const all = await site.played(wire, steps, { lease_request });
      assert.deepEqual(new Set(Object.values(answersOf(all))), new Set(["BUDGET_EXHAUSTED"]));
    },
  },
  {
    name: "a budget that is used up shows as the error of an operation, and the job goes on",
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
    name: "what remains is told after the cost: first, by steps of a twentieth, at zero and before the end",
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
    name: "an upstream that has no budget left is told in the words of the protocol",
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
