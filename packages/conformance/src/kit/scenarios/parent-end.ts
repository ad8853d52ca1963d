import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { born, childOf } from "../child-step.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf, endsJob } from "../job-end.ts";
import { cancel } from "../job-request.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { reached, thought } from "../thought.ts";

const agent = "conformance.script";
const delegating = { "agent.delegate": [agent] };
const budgets = feature("cost.budget");

export const parentEnd: readonly Scenario[] = [
  ...(["returns", "fails", "times out", "is cancelled"] as const).map(
    (how): Scenario => ({
      name: `when a parent ${how}, its descendants end with it at once, and the reason is given`,
      verifies: ["R-10-6"],
      async play(site) {
        const wire = await site.greeted();
        const ids = await family(site, wire, how);
        const [id] = ids;
        if (how === "is cancelled") await cancel(wire, id);
        const ends = new Map<string | undefined, ReturnType<typeof endOf>>();
        while (ends.size < ids.length) {
          const end = await wire.next(isTerminal);
          ends.set(end.job_id, endOf(end));
        }
        const parent = ends.get(id);
        for (const child of ids.slice(1)) {
          const { code, final_status, details } = ends.get(child) ?? {};
          assert.deepEqual([code, final_status], ["CANCELLED", "cancelled"]);
          assert.equal(details?.reason, "parent_ended");
        }
        const expected = { returns: "success", fails: "error", "times out": "timed_out" };
        assert.equal(
          parent?.final_status,
          how === "is cancelled" ? "cancelled" : expected[how],
          "the parent's own end",
        );
      },
    }),
  ),
  {
    name: "a cancel signals the children together with their parent",
    verifies: ["R-10-6"],
    async play(site) {
      const wire = await site.greeted();
      const [never, told] = [site.gate(), site.gate()];
      const cleanup: Step[] = [{ do: "open", gate: told.step.gate }];
      const child = childOf({ steps: [thought("born"), never.step], cleanup });
      // The parent stops only when its child was told to.
      const steps: Step[] = [child, { ...told.step, stubborn: true }];
      const { id } = await site.play(wire, steps, { lease_request: delegating });
      await born(wire);
      await reached(wire, "born");
      await cancel(wire, id);
      await site.play(wire, [told.step]);
      await wire.next((e) => isTerminal(e) && endOf(e).final_status === "success");
      assert.equal(endOf(await wire.next(endsJob(id))).code, "CANCELLED");
    },
  },
  {
    name: "the final report of a parent's budget includes what its children spent",
    verifies: ["R-10-6", "R-9.6-11"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const [gate, spent] = [site.gate(), site.gate()];
      const child = childOf(
        [
          { do: "metric", name: "cost.x", value: 10, unit: "EUR" },
          // Less than the step that is reported automatically.
          { do: "metric", name: "cost.x", value: 1, unit: "EUR" },
          { do: "open", gate: spent.step.gate },
          gate.step,
        ],
        { lease: { "cost.budget": ["EUR:50"] } },
      );
      const lease_request = { ...delegating, "cost.budget": ["EUR:100"] };
      const { id } = await site.play(wire, [child, spent.step], { lease_request });
      const all = await wire.until(endsJob(id));
      const told = bodiesOf(
        all.filter(({ job_id }) => job_id === id),
        "metric",
      );
      assert.equal(told.at(-1)?.value, 89);
    },
  },
];

/** A job with a child and a grandchild, of which only the first stops by itself. @returns their ids */
async function family(site: Site, wire: WireClient, how: string) {
  const gate = site.gate();
  const both = site.gate();
  const grandchild = childOf([{ do: "open", gate: both.step.gate }, gate.step]);
  const child = childOf([grandchild, gate.step], { lease: delegating });
  const end: Step = how === "fails" ? { do: "crash", message: "boom" } : { do: "return", value: 1 };
  const waits = how === "times out" || how === "is cancelled";
  const steps = [child, both.step, ...(waits ? [gate.step] : [])];
  const rest = { lease_request: delegating, ...(how === "times out" && { max_runtime_sec: 2 }) };
  const { id } = await site.play(wire, [...steps, end], rest);
  return [id, (await born(wire)).job_id, (await born(wire)).job_id] as const;
}
