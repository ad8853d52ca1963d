import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { asking, operations } from "../operation.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, outcomesOf, stepValue } from "../script-outcome.ts";

const agent = "conformance.script";

export const enforcement: readonly Scenario[] = [
  {
    name: "in each namespace the lease covers one operation and not another",
    verifies: ["R-9.3-2"],
    async play(site) {
      const wire = await site.greeted();
      const others = [
        ["fs.read", "/srv/b"],
        ["fs.write", "/srv/b"],
        ["net.fetch", "https://acme.test/b"],
        ["tool.call", "conformance.void"],
        ["agent.delegate", "conformance.settings"],
        ["model.use", "conformance/large"],
        ["x-vendor.acme.thing", "b"],
      ] as const;
      const steps = others.map(
        ([capability, target]): Step => ({
          do: "authorize",
          capability,
          target,
          as: `${capability} ${target}`,
        }),
      );
      const lease_request = Object.fromEntries(
        operations.map(([name, target]) => [name, [target]]),
      );
      const answers = answersOf(await site.played(wire, [...asking, ...steps], { lease_request }));
      for (const [capability] of operations) {
        assert.equal(answers[capability], "allowed", capability);
      }
      for (const [capability, target] of others) {
        const what = `${capability} ${target}`;
        assert.equal(answers[what], "PERMISSION_DENIED", what);
      }
    },
  },
  {
    name: "tools, models and children that are actually called need the lease too",
    verifies: ["R-9.3-2"],
    async play(site) {
      const wire = await site.greeted();
      const child = { steps: [] };
      const steps: Step[] = [
        { do: "tool", name: "conformance.echo", as: "tool" },
        { do: "model", id: "conformance/small", as: "model" },
        { do: "delegate", agent, input: child, outcome: true, as: "delegate" },
      ];
      const lease_request = {
        "tool.call": ["conformance.echo"],
        "model.use": ["conformance/small"],
        "agent.delegate": [agent],
      };
      const all = ["tool", "model", "delegate"];
      const granted = answersOf(await site.played(wire, steps, { lease_request }));
      const denied = answersOf(await site.played(wire, steps));
      for (const name of all) {
        assert.equal(granted[name], "allowed", name);
        assert.equal(denied[name], "PERMISSION_DENIED", name);
      }
    },
  },
  {
    name: "a tool that the lease does not cover is not called: the error is the lease's",
    verifies: ["R-9.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const steps: Step[] = [{ do: "tool", name: "conformance.fail", as: "tool" }];
      const answers = answersOf(await site.played(wire, steps));
      assert.equal(answers.tool, "PERMISSION_DENIED");
    },
  },
  {
    name: "an exhausted budget is checked before the patterns",
    verifies: ["R-9.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const spend: Step = { do: "metric", name: "cost.x", value: 1, unit: "EUR" };
      const lease_request = { "cost.budget": ["EUR:1"] };
      const answers = answersOf(await site.played(wire, [spend, ...asking], { lease_request }));
      assert.deepEqual(new Set(Object.values(answers)), new Set(["BUDGET_EXHAUSTED"]));
    },
  },
  {
    name: "a refused tool call shows on the stream with its error, and fails for the agent with the same",
    verifies: ["R-9.3-3"],
    async play(site) {
      const wire = await site.greeted();
      const all = await site.played(wire, [
        { do: "tool", name: "shell.run", args: { command: "rm" }, as: "tool" },
      ]);
      assert.deepEqual(kindsOf(all), ["tool_call", "tool_result", "job.result"]);
      const [call = {}, outcome = {}] = bodiesOf(all, "tool_call", "tool_result");
      assert.deepEqual([call.tool, outcome.call_id], ["shell.run", call.call_id]);
      const error = outcome.error as { code: string; message: string };
      const { refused } = outcomesOf(all).tool ?? {};
      assert.equal(error.code, "PERMISSION_DENIED");
      assert.deepEqual([refused?.code, refused?.message], [error.code, error.message]);
    },
  },
  {
    name: "a refusal ends no job",
    verifies: ["R-9.3-4"],
    async play(site) {
      const wire = await site.greeted();
      const refusals = Array.from(
        { length: 5 },
        (_, n): Step => ({ do: "tool", name: "shell.run", as: `${n}` }),
      );
      const all = await site.played(wire, [...refusals, { do: "return", value: "went on" }]);
      assert.equal(endOf(all).result, "went on");
    },
  },
  {
    name: "the most general call gives an agent nothing that the lease does not grant",
    verifies: ["R-9.3-5"],
    async play(site) {
      const wire = await site.greeted();
      const call = { tool: "shell.run", call_id: "c-1", args: {} };
      const emitted: [kind: string, body: Record<string, unknown>][] = [
        ["tool_call", call],
        ["tool_result", { call_id: "c-1", result: 1 }],
        ["delegate", { delegate_id: "d-1", agent, input: { steps: [] } }],
        ["metric", { name: "cost.x", value: -5, unit: "EUR" }],
        [
          "result_chunk",
          { result_id: "r", chunk_seq: 0, data: "x", encoding: "utf8", more: false },
        ],
      ];
      const steps = emitted.map(([kind, body]) => ({ do: "emit", kind, body, as: kind }) as Step);
      const lease_request = { "cost.budget": ["EUR:1"] };
      const budget: Step = { do: "budget", as: "budget" };
      const all = await site.played(wire, [...steps, budget], { lease_request });
      const answers = answersOf(all);
      for (const [kind] of emitted) assert.notEqual(answers[kind], "allowed", kind);
      const { remaining } = stepValue(all, "budget") as { remaining: { EUR: string } };
      assert.equal(Number(remaining.EUR), 1);
      assert.ok(
        !kindsOf(all).some((kind) => kind === "metric" || kind === "result_chunk"),
        "what was refused is on the stream",
      );
    },
  },
  {
    name: "a cost reported by the most general call is counted, or refused",
    verifies: ["R-9.3-5"],
    async play(site) {
      const wire = await site.greeted();
      const all = await site.played(
        wire,
        [
          {
            do: "emit",
            kind: "metric",
            body: { name: "cost.x", value: 1, unit: "EUR" },
            as: "said",
          },
          { do: "tool", name: "conformance.echo", as: "tool" },
        ],
        { lease_request: { "cost.budget": ["EUR:1"], "tool.call": ["conformance.*"] } },
      );
      const { said, tool } = answersOf(all);
      assert.equal(tool, said === "allowed" ? "BUDGET_EXHAUSTED" : "allowed");
      assert.equal(bodiesOf(all, "metric").length > 0, said === "allowed");
    },
  },
];
