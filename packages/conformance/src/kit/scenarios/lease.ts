import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, outcomesOf, stepValue } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";

const agent = "conformance.script";
/** An operation of each namespace, all of which one lease may cover. */
const operations: readonly (readonly [capability: string, target: string])[] = [
  ["fs.read", "/srv/a"],
  ["fs.write", "/srv/a"],
  ["net.fetch", "https://acme.test/"],
  ["tool.call", "conformance.echo"],
  ["agent.delegate", agent],
  ["model.use", "conformance/small"],
  ["x-vendor.acme.thing", "a"],
];
const asking = operations.map(
  ([capability, target]): Step => ({ do: "authorize", capability, target, as: capability }),
);

export const lease: readonly Scenario[] = [
  {
    name: "what a lease does not name is not granted, be it missing, empty or without patterns",
    verifies: ["R-9.1-1"],
    async play(site) {
      const wire = await site.greeted();
      const none = Object.fromEntries(operations.map(([capability]) => [capability, []]));
      for (const lease_request of [undefined, {}, none]) {
        const rest = lease_request === undefined ? {} : { lease_request };
        const answers = Object.values(answersOf(await site.played(wire, asking, rest)));
        assert.deepEqual(
          new Set(answers),
          new Set(["PERMISSION_DENIED"]),
          `${JSON.stringify(lease_request)} grants something`,
        );
      }
    },
  },
  {
    name: "a lease that is no object of lists of patterns is refused",
    verifies: ["R-9.1-1"],
    async play(site) {
      const wire = await site.greeted();
      for (const lease_request of [
        [],
        "all",
        { "fs.read": "/srv" },
        { "fs.read": [""] },
        { "fs.read": [1] },
        { "fs.read": [["/srv"]] },
        { "fs.read": { 0: "/srv" } },
      ]) {
        const { code } = await refusedSubmit(wire, { agent, lease_request });
        assert.equal(code, "INVALID_REQUEST", JSON.stringify(lease_request));
      }
    },
  },
  {
    name: "a lease stays as it was accepted, and only its counters move",
    verifies: ["R-9.1-2"],
    async play(site) {
      const [wire, watcher] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const lease_request = { "cost.budget": ["EUR:5"], "tool.call": ["conformance.*"] };
      const lease_constraints = { expires_at: "2100-01-01T00:00:00Z" };
      const spending: Step[] = [
        { do: "metric", name: "cost.x", value: 2, unit: "EUR" },
        { do: "tool", name: "conformance.echo" },
        { do: "thought", text: "spent" },
      ];
      const rest = { lease_request, lease_constraints };
      const { id, accepted } = await site.play(wire, [...spending, gate.step, ...asking], rest);
      await wire.next((e) => e.type === "job.event" && e.payload.kind === "thought");
      const { payload } = await watcher.request("job.subscribe", { job_id: id }, { jobId: id });
      assert.deepEqual(payload.lease, accepted.payload.lease);
      assert.deepEqual(payload.lease_constraints, accepted.payload.lease_constraints);
      assert.deepEqual(payload.budget, { EUR: 3 });
      const { payload: listing } = await watcher.request("session.list_jobs", { limit: 1000 });
      const entry = listing.jobs.find(({ job_id }) => job_id === id);
      assert.deepEqual(entry?.lease, accepted.payload.lease, "in the listing");
      await gate.open();
      const allowed = Object.entries(answersOf(await wire.until(isTerminal)))
        .filter(([, answer]) => answer === "allowed")
        .map(([capability]) => capability);
      assert.deepEqual(allowed, ["tool.call"]);
    },
  },
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
    name: "tools, models and children that are really called need the lease too",
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
    name: "a tool that the lease does not cover is not called: its error is that of the lease",
    verifies: ["R-9.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const steps: Step[] = [{ do: "tool", name: "conformance.fail", as: "tool" }];
      const answers = answersOf(await site.played(wire, steps));
      assert.equal(answers.tool, "PERMISSION_DENIED");
    },
  },
  {
    name: "a budget that is used up is looked at before the patterns",
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
      assert.deepEqual(kindsOf(all), ["status", "tool_call", "tool_result", "job.result"]);
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
    name: "by the most general call an agent gets nothing that the lease does not give",
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
    name: "a cost that is said by the most general call is counted, or refused",
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
