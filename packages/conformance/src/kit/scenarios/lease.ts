import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { subscribe } from "../job-request.ts";
import { asking, operations } from "../operation.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";

const agent = "conformance.script";

export const lease: readonly Scenario[] = [
  {
    name: "what a lease does not name is not granted, whether it is missing, empty or without patterns",
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
    name: "a lease that is not an object of pattern lists is refused",
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
      const { payload } = await subscribe(watcher, id);
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
];
