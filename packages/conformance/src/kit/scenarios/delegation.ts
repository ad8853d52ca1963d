import assert from "node:assert/strict";
import type { Envelope } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { childOf } from "../child-step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, outcomesOf } from "../script-outcome.ts";
import { isTerminal, type Site } from "../site.ts";

const agent = "conformance.script";
const delegating = { "agent.delegate": [agent] };
const budgets = feature("cost.budget");

function isAcceptance(envelope: Envelope): envelope is Envelope<"job.accepted"> {
  return envelope.type === "job.accepted";
}

const isEndOf =
  (id: string | undefined) =>
  (envelope: StreamEnvelope): boolean =>
    isTerminal(envelope) && envelope.job_id === id;

/** Waits until a job has delegated, and tells to which. */
async function born(wire: WireClient): Promise<Envelope<"job.accepted">["payload"]> {
  return (await wire.notice(isAcceptance)).payload;
}

export const delegation: readonly Scenario[] = [
  {
    name: "who has no right to delegate to an agent does not",
    verifies: ["R-10-1"],
    async play(site) {
      const wire = await site.greeted();
      const steps = [childOf([], { as: "child" })];
      for (const lease_request of [{}, { "agent.delegate": ["conformance.versioned", "other"] }]) {
        const answers = answersOf(await site.played(wire, steps, { lease_request }));
        assert.equal(answers.child, "PERMISSION_DENIED");
      }
    },
  },
  {
    name: "a delegation shows as its event, then the child's acceptance, then the child's events",
    verifies: ["R-10-2"],
    async play(site) {
      const wire = await site.greeted();
      const child = childOf([{ do: "thought", text: "mine" }], {
        id: "d-1",
        lease: { "tool.call": ["conformance.echo"] },
        max_runtime_sec: 60,
        outcome: true,
        as: "child",
      });
      const lease_request = { ...delegating, "tool.call": ["conformance.*"] };
      const { id } = await site.play(wire, [child], { lease_request });
      // That the acceptance stands where it should is seen by the sniffer.
      const all = await wire.until(isEndOf(id));
      const accepted = await born(wire);
      const [body = {}] = bodiesOf(all, "delegate");
      assert.deepEqual(
        [body.delegate_id, body.child_job_id, body.agent, body.max_runtime_sec],
        ["d-1", accepted.job_id, agent, 60],
      );
      assert.deepEqual(body.lease_request, { "tool.call": ["conformance.echo"] });
      assert.deepEqual(
        [accepted.parent_job_id, accepted.delegate_id, accepted.agent],
        [id, "d-1", agent],
      );
      assert.deepEqual(accepted.lease, { "tool.call": ["conformance.echo"] });
      const order = all.map(({ job_id }) => (job_id === id ? "parent" : "child"));
      assert.deepEqual(kindsOf(all), [
        "status",
        "delegate",
        "status",
        "thought",
        "job.result",
        "job.result",
      ]);
      assert.deepEqual(order, ["parent", "parent", "child", "child", "child", "parent"]);
    },
  },
  {
    name: "a refused delegation shows as its event without a child and an error with its id, and the parent goes on",
    verifies: ["R-10-3"],
    async play(site) {
      const wire = await site.greeted();
      const refused: [Step, string][] = [
        [
          childOf([], { id: "d-1", lease: { "fs.read": ["/a"] }, as: "0" }),
          "LEASE_SUBSET_VIOLATION",
        ],
        [childOf([], { id: "d-2", agent: "conformance.nobody", as: "1" }), "AGENT_NOT_AVAILABLE"],
        [childOf([], { id: "d-3", agent: "other", as: "2" }), "PERMISSION_DENIED"],
        [childOf([], { id: "d-4", lease: { "fs.read": ["/a/../b"] }, as: "3" }), "INVALID_REQUEST"],
      ];
      const lease_request = { "agent.delegate": ["conformance.*"] };
      const steps = refused.map(([step]) => step);
      const all = await site.played(wire, steps, { lease_request });
      const answers = answersOf(all);
      const shown = bodiesOf(all, "delegate", "tool_result");
      for (const [n, [, code]] of refused.entries()) {
        const [delegate = {}, result = {}] = shown.slice(2 * n, 2 * n + 2);
        assert.equal(answers[n], code, `d-${n + 1}`);
        assert.equal(delegate.delegate_id, `d-${n + 1}`);
        assert.ok(!("child_job_id" in delegate), "there is no child");
        assert.equal(result.call_id, `d-${n + 1}`);
        assert.equal((result.error as { code: string }).code, code);
      }
    },
  },
  {
    name: "a delegation on a budget that is used up is refused on the stream too",
    verifies: ["R-10-3", "R-9.6-6"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const steps: Step[] = [
        { do: "metric", name: "cost.x", value: 1, unit: "EUR" },
        childOf([], { id: "d-1", as: "child" }),
      ];
      const lease_request = { ...delegating, "cost.budget": ["EUR:1"] };
      const all = await site.played(wire, steps, { lease_request });
      assert.equal(answersOf(all).child, "BUDGET_EXHAUSTED");
      const [delegate = {}, result = {}] = bodiesOf(all, "delegate", "tool_result");
      assert.deepEqual([delegate.delegate_id, result.call_id], ["d-1", "d-1"]);
    },
  },
  {
    name: "a child is a job like any other: it is listed under its parent, followed, and cancelled alone",
    verifies: ["R-10-4"],
    async play(site) {
      const [wire, watcher] = await Promise.all([site.greeted(), site.greeted()]);
      const [gate, late] = [site.gate(), site.gate()];
      const steps = [childOf([gate.step]), late.step];
      const { id } = await site.play(wire, steps, { lease_request: delegating });
      const child = await born(wire);
      const { payload } = await watcher.request("session.list_jobs", { limit: 1000 });
      const parents = new Map(payload.jobs.map((job) => [job.job_id, job.parent_job_id]));
      assert.deepEqual([parents.get(child.job_id), parents.get(id)], [id, null], "the listing");
      const asked = { job_id: child.job_id, history: true };
      const told = await watcher.request("job.subscribe", asked, { jobId: child.job_id });
      assert.equal(told.payload.parent_job_id, id);
      await wire.request("job.cancel", { job_id: child.job_id }, { jobId: child.job_id });
      for (const each of [wire, watcher]) {
        assert.equal(endOf(await each.next(isEndOf(child.job_id))).code, "CANCELLED");
      }
      await late.open();
      assert.equal(endOf(await wire.next(isEndOf(id))).final_status, "success");
    },
  },
  {
    name: "a child that fails leaves its parent running",
    verifies: ["R-10-5"],
    async play(site) {
      const wire = await site.greeted();
      const raise: Step = { do: "raise", code: "AGENT_NOT_AVAILABLE", message: "no such page" };
      const all = await site.played(
        wire,
        [
          childOf([raise], { outcome: true, as: "raised" }),
          childOf([{ do: "crash", message: "boom" }], { outcome: true, as: "crashed" }),
          childOf([], { outcome: true, as: "fine" }),
          { do: "return", value: "went on" },
        ],
        { lease_request: delegating },
      );
      assert.equal(endOf(all).result, "went on");
      const ends = all.filter(isTerminal).map((each) => endOf(each).final_status);
      assert.deepEqual(ends, ["error", "error", "success", "success"]);
    },
  },
  ...(["returns", "fails", "times out", "is cancelled"] as const).map(
    (how): Scenario => ({
      name: `when a parent ${how}, its descendants end with it at once, and the reason is told`,
      verifies: ["R-10-6"],
      async play(site) {
        const wire = await site.greeted();
        const ids = await family(site, wire, how);
        const [id] = ids;
        if (how === "is cancelled") await wire.request("job.cancel", { job_id: id }, { jobId: id });
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
    name: "a cancel tells the children together with their parent",
    verifies: ["R-10-6"],
    async play(site) {
      const wire = await site.greeted();
      const [never, told] = [site.gate(), site.gate()];
      const cleanup: Step[] = [{ do: "open", gate: told.step.gate }];
      const child = childOf({ steps: [never.step], cleanup });
      // The parent stops only when its child was told to.
      const steps: Step[] = [child, { ...told.step, stubborn: true }];
      const { id } = await site.play(wire, steps, { lease_request: delegating });
      await born(wire);
      await wire.next((e) => e.job_id !== id);
      await wire.request("job.cancel", { job_id: id }, { jobId: id });
      await site.play(wire, [told.step]);
      await wire.next((e) => isTerminal(e) && endOf(e).final_status === "success");
      assert.equal(endOf(await wire.next(isEndOf(id))).code, "CANCELLED");
    },
  },
  {
    name: "what its children have spent is in the last word on a parent's budget",
    verifies: ["R-10-6", "R-9.6-11"],
    needs: [budgets],
    async play(site) {
      const wire = await site.greeted();
      const [gate, spent] = [site.gate(), site.gate()];
      const child = childOf(
        [
          { do: "metric", name: "cost.x", value: 10, unit: "EUR" },
          // Less than what would be told of by itself.
          { do: "metric", name: "cost.x", value: 1, unit: "EUR" },
          { do: "open", gate: spent.step.gate },
          gate.step,
        ],
        { lease: { "cost.budget": ["EUR:50"] } },
      );
      const lease_request = { ...delegating, "cost.budget": ["EUR:100"] };
      const { id } = await site.play(wire, [child, spent.step], { lease_request });
      const all = await wire.until(isEndOf(id));
      const told = bodiesOf(
        all.filter(({ job_id }) => job_id === id),
        "metric",
      );
      assert.equal(told.at(-1)?.value, 89);
    },
  },
  {
    name: "an agent learns the id of its child, and what became of it",
    verifies: ["R-10-7"],
    async play(site) {
      const wire = await site.greeted();
      const all = await site.played(
        wire,
        [
          childOf([{ do: "return", value: { pages: 7 } }], { outcome: true, as: "fine" }),
          childOf([{ do: "raise", code: "TIMEOUT", message: "too slow" }], {
            outcome: true,
            as: "failed",
          }),
          childOf([], { as: "id" }),
        ],
        { lease_request: delegating },
      );
      const ids = bodiesOf(all, "delegate").map(({ child_job_id }) => child_job_id);
      const { fine, failed, id } = outcomesOf(all);
      assert.deepEqual(fine?.value, { job_id: ids[0], result: { pages: 7 } });
      assert.deepEqual([failed?.refused?.code, failed?.refused?.message], ["TIMEOUT", "too slow"]);
      assert.deepEqual(id?.value, { job_id: ids[2] });
    },
  },
  {
    name: "a delegation that is too deep is refused",
    verifies: ["R-10-8"],
    async play(site) {
      const wire = await site.greeted();
      const depth = site.facts.settings.delegationDepth;
      const rest = { lease: delegating, outcome: true, as: "child" };
      let step = childOf([], rest);
      for (let n = 1; n < depth + 1; n++) step = childOf([step], rest);
      const end = await site.play(wire, [step], { lease_request: delegating });
      let result = endOf(await wire.next(isEndOf(end.id))).result as Nested;
      for (let n = 0; n < depth; n++) {
        assert.equal(result.child.refused, undefined, `R-10-8: a child at depth ${n + 1}`);
        result = result.child.value?.result as Nested;
      }
      assert.equal(result.child.refused?.code, "PERMISSION_DENIED");
    },
  },
];

/** What a script came to that delegated as `child`. */
interface Nested {
  readonly child: {
    readonly value?: { readonly result: unknown };
    readonly refused?: { readonly code: string };
  };
}

/** A job with a child and a grandchild, none of which stops by itself but the first. @returns their ids */
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
