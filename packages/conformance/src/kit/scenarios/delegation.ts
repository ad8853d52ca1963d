import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { born, childOf } from "../child-step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf, endsJob, endsJobs, ofJob } from "../job-end.ts";
import { cancel, subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, outcomesOf } from "../script-outcome.ts";

const agent = "conformance.script";
const delegating = { "agent.delegate": [agent] };
const budgets = feature("cost.budget");

export const delegation: readonly Scenario[] = [
  {
    name: "a job may not delegate to an agent that its lease does not cover",
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
      // The sniffer checks that the acceptance comes where it should.
      const all = await wire.until(endsJobs(2));
      const accepted = await born(wire);
      const [own, its] = [ofJob(all, id), ofJob(all, accepted.job_id)];
      const [body = {}] = bodiesOf(own, "delegate");
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
      assert.deepEqual(kindsOf(own), ["delegate", "job.result"]);
      assert.deepEqual(kindsOf(its), ["thought", "job.result"]);
      const told = all.findIndex((each) => bodiesOf([each], "delegate").length > 0);
      assert.ok(told < all.indexOf(its[0] ?? assert.fail()), "R-10-2: the child spoke first");
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
    name: "a delegation on an exhausted budget shows as refused on the stream too",
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
      const told = await subscribe(watcher, child.job_id, { history: true });
      assert.equal(told.payload.parent_job_id, id);
      await cancel(wire, child.job_id);
      for (const each of [wire, watcher]) {
        assert.equal(endOf(await each.next(endsJob(child.job_id))).code, "CANCELLED");
      }
      await late.open();
      assert.equal(endOf(await wire.next(endsJob(id))).final_status, "success");
    },
  },
  {
    name: "a child that fails leaves its parent running",
    verifies: ["R-10-5"],
    async play(site) {
      const wire = await site.greeted();
      const raise: Step = { do: "raise", code: "AGENT_NOT_AVAILABLE", message: "no such page" };
      const { id } = await site.play(
        wire,
        [
          childOf([raise], { outcome: true, as: "raised" }),
          childOf([{ do: "crash", message: "boom" }], { outcome: true, as: "crashed" }),
          childOf([], { outcome: true, as: "fine" }),
          { do: "return", value: "went on" },
        ],
        { lease_request: delegating },
      );
      const all = await wire.until(endsJobs(4));
      const own = ofJob(all, id);
      assert.equal(endOf(own).result, "went on");
      const ends = bodiesOf(own, "delegate").map(
        ({ child_job_id }) => endOf(ofJob(all, `${child_job_id}`)).final_status,
      );
      assert.deepEqual(ends, ["error", "error", "success"]);
    },
  },
  {
    name: "an agent learns its child's id and outcome",
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
      let result = endOf(await wire.next(endsJob(end.id))).result as Nested;
      for (let n = 0; n < depth; n++) {
        assert.equal(result.child.refused, undefined, `R-10-8: a child at depth ${n + 1}`);
        result = result.child.value?.result as Nested;
      }
      assert.equal(result.child.refused?.code, "PERMISSION_DENIED");
    },
  },
];

/** The outcome of a script that delegated as `child`. */
interface Nested {
  readonly child: {
    readonly value?: { readonly result: unknown };
    readonly refused?: { readonly code: string };
  };
}
