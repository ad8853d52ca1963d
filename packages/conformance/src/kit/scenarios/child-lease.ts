import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { born, childOf } from "../child-step.ts";
import { endsJob } from "../job-end.ts";
import { feature } from "../need.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, stepValue } from "../script-outcome.ts";

const agent = "conformance.script";
const delegating = { "agent.delegate": [agent] };
const budgets = feature("cost.budget");

export const childLease: readonly Scenario[] = [
  {
    name: "a child holds only what it names, and inherits the expiry and the budget that bound its parent",
    verifies: ["R-9.4-3", "R-9.4-5"],
    needs: [budgets, feature("lease_expires_at")],
    async play(site) {
      const wire = await site.greeted();
      const lease_constraints = { expires_at: "2100-01-01T00:00:00Z" };
      const call: Step = { do: "tool", name: "conformance.echo", as: "tool" };
      const model: Step = { do: "model", id: "conformance/small", as: "model" };
      const spend: Step = { do: "metric", name: "cost.x", value: 1, unit: "EUR" };
      const all = await site.played(
        wire,
        [
          childOf([call, model, spend], { outcome: true, as: "child" }),
          { do: "budget", as: "budget" },
        ],
        {
          lease_request: {
            ...delegating,
            "tool.call": ["**"],
            "model.use": ["**"],
            "cost.budget": ["EUR:5"],
          },
          lease_constraints,
        },
      );
      const accepted = await born(wire);
      const held = accepted.lease ?? {};
      assert.ok(!("tool.call" in held), "R-9.4-3: a child held what it had not named");
      const expires = accepted.lease_constraints?.expires_at;
      assert.equal(
        Date.parse(`${expires}`),
        Date.parse(lease_constraints.expires_at),
        "R-9.4-5: the expiry is inherited",
      );
      const { result } = stepValue(all, "child") as {
        result: Record<string, { refused?: { code: string } }>;
      };
      assert.equal(result.model?.refused?.code, "PERMISSION_DENIED", "R-9.4-3: its models");
      assert.equal(result.tool?.refused?.code, "PERMISSION_DENIED", "R-9.4-3: the child's tools");
      const { remaining } = stepValue(all, "budget") as { remaining: { EUR: string } };
      assert.equal(Number(remaining.EUR), 4, "R-9.4-3: the parent's budget holds for the child");
    },
  },
  {
    name: "a child gets no more money than its ancestors have available, and no other currency",
    verifies: ["R-9.4-4"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const grant = (as: string, ...amounts: string[]) =>
        childOf([gate.step], { lease: { "cost.budget": amounts }, as });
      const through = childOf(
        [childOf([], { lease: { "cost.budget": ["USD:1.01"] }, as: "own" })],
        {
          lease: { ...delegating, "cost.budget": ["USD:1"] },
          outcome: true,
          as: "through",
        },
      );
      const { id } = await site.play(
        wire,
        [
          { do: "metric", name: "cost.x", value: 5.5, unit: "USD" },
          grant("euros", "EUR:1"),
          grant("too much", "USD:2.51"),
          grant("in two", "USD:2", "USD:0.51"),
          through,
          { do: "reserve", amount: "USD:1", name: "r" },
          grant("reserved", "USD:1.51"),
          grant("fits", "USD:1"),
          grant("second", "USD:0.51"),
          grant("rest", "USD:0.5"),
          grant("none left", "USD:0.01"),
        ],
        { lease_request: { ...delegating, "cost.budget": ["USD:8"] } },
      );
      const end = await wire.next(endsJob(id));
      const { through: passed, ...answers } = answersOf(end);
      assert.deepEqual(answers, {
        euros: "LEASE_SUBSET_VIOLATION",
        "too much": "LEASE_SUBSET_VIOLATION",
        "in two": "LEASE_SUBSET_VIOLATION",
        reserved: "LEASE_SUBSET_VIOLATION",
        fits: "allowed",
        second: "LEASE_SUBSET_VIOLATION",
        rest: "allowed",
        "none left": "LEASE_SUBSET_VIOLATION",
      });
      assert.equal(passed, "allowed");
      const value = stepValue(end, "through") as {
        result: { own: { refused?: { code: string } } };
      };
      assert.equal(value.result.own.refused?.code, "LEASE_SUBSET_VIOLATION");
    },
  },
  {
    name: "a child's lease expires no later than its parent's",
    verifies: ["R-9.4-5"],
    needs: [feature("lease_expires_at")],
    async play(site) {
      const wire = await site.greeted();
      const [before, at, after] = await Promise.all(
        [-1000, 0, 1000].map((ms) => runtimeTime(site, wire, 3_600_000 + ms)),
      );
      const timed = (as: string, expires_at: string | undefined) =>
        childOf([], {
          ...(expires_at === undefined ? {} : { expires_at }),
          id: as,
          outcome: true,
          as,
        });
      const all = await site.played(
        wire,
        [timed("before", before), timed("at", at), timed("after", after), timed("none", undefined)],
        { lease_request: delegating, lease_constraints: { expires_at: `${at}` } },
      );
      assert.deepEqual(answersOf(all), {
        before: "allowed",
        at: "allowed",
        after: "LEASE_SUBSET_VIOLATION",
        none: "allowed",
      });
      const expiries = new Map<string | undefined, number>();
      for (let n = 0; n < 3; n++) {
        const { delegate_id, lease_constraints } = await born(wire);
        expiries.set(delegate_id, Date.parse(`${lease_constraints?.expires_at}`));
      }
      assert.deepEqual(
        ["before", "at", "none"].map((id) => expiries.get(id)),
        [before, at, at].map((each) => Date.parse(`${each}`)),
      );
    },
  },
];
