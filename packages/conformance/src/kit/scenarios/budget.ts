import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";
import { call, counted, left, spend } from "../spending-step.ts";

const agent = "conformance.script";
const budgets = feature("cost.budget");
const tools = { "tool.call": ["conformance.*"] };

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
    name: "each currency has a counter, which starts at the sum of its entries",
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
    name: "a cost that is negative or not a number is refused, and neither counted nor emitted",
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
      assert.deepEqual(kindsOf(all), ["job.result"]);
    },
  },
  {
    name: "costs above the budget are counted exactly into the negative, and then the job can only end",
    verifies: ["R-13-5", "R-9.6-5"],
    needs: [budgets],
    async play(site) {
      const [wire, watcher] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const steps = [call("a"), spend(0.85), call("b"), spend(1.3), call("c"), gate.step];
      const lease_request = { "cost.budget": ["EUR:2.00"], ...tools };
      const { id } = await site.play(wire, steps, { lease_request });
      const seen = await wire.until((e) => bodiesOf([e], "tool_result")[0]?.error !== undefined);
      const { payload } = await subscribe(watcher, id);
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
];
