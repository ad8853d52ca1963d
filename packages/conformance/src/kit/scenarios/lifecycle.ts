import assert from "node:assert/strict";
import type { JobId } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf, endsJob } from "../job-end.ts";
import { cancel, subscribe } from "../job-request.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought } from "../thought.ts";
import { acking } from "./ack.ts";

const SECRET = "sesame-of-the-agent";

export const lifecycle: readonly Scenario[] = [
  {
    name: "each job is listed, and shown to subscribers, in its current state",
    verifies: ["R-7.3-1", "R-7.3-11"],
    async play(site) {
      // What it does not acknowledge is kept for it, however long the scenario takes.
      const wire = await site.greeted(acking);
      const gate = site.gate();
      const running = await site.play(wire, [thought("runs"), gate.step]);
      await reached(wire, "runs");
      const cancelled = await site.play(wire, [gate.step]);
      await cancel(wire, cancelled.id);
      const states = new Map<JobId, string>([
        [cancelled.id, "cancelled"],
        [(await site.play(wire, [])).id, "success"],
        [(await site.play(wire, [{ do: "crash", message: SECRET }])).id, "error"],
        [(await site.play(wire, [gate.step], { max_runtime_sec: 1 })).id, "timed_out"],
      ]);
      for (const _ of states) await wire.next(isTerminal);
      states.set(running.id, "running");
      const watcher = await site.greeted();
      const { payload } = await watcher.request("session.list_jobs", { limit: 1000 });
      const listed = new Map(payload.jobs.map(({ job_id, status }) => [job_id, status]));
      for (const [job_id, state] of states) {
        assert.equal(listed.get(job_id), state, `R-7.3-1: the state of ${job_id} in the listing`);
        const { payload: told } = await subscribe(watcher, job_id, { history: true });
        assert.equal(told.current_status, state, `R-7.3-1: the state of ${job_id}`);
        if (state === "running") continue;
        const history = await watcher.until(endsJob(job_id));
        assert.equal(
          endOf(history).final_status,
          state,
          "R-7.3-11: the end that a late subscriber is shown",
        );
        assert.equal(history[0]?.job_seq, 1, "R-7.3-11: the history of a finished job");
      }
    },
  },
  {
    name: "when a return and a time limit race, one of them ends the job, and the listing says the same",
    verifies: ["R-7.3-2", "R-7.3-3"],
    async play(site) {
      const wire = await site.greeted();
      const ends = new Map<string | undefined, string>();
      const jobs = 12;
      for (let n = 0; n < jobs; n++) {
        const ms = 940 + 10 * n;
        await site.play(wire, [{ do: "pause", ms, stubborn: true }], { max_runtime_sec: 1 });
      }
      // The sniffer would find a second end of a job.
      while (ends.size < jobs) {
        const end = await wire.next(isTerminal);
        ends.set(end.job_id, endOf(end).final_status);
      }
      await site.settled(wire);
      const { payload } = await wire.request("session.list_jobs", { limit: 1000 });
      for (const { job_id, status } of payload.jobs) {
        const told = ends.get(job_id);
        if (told !== undefined) assert.equal(status, told, "R-7.3-2: the end of a job changed");
      }
    },
  },
  {
    name: "when a return and a cancel race, the reply to the cancel and the end agree",
    verifies: ["R-7.3-2", "R-7.4-2"],
    async play(site) {
      const wire = await site.greeted();
      for (let n = 0; n < 24; n++) {
        const { id } = await site.play(wire, [
          { do: "pause", ms: n / 4, stubborn: true },
          { do: "return", value: n },
        ]);
        const { payload } = await cancel(wire, id);
        const end = await wire.next(isTerminal);
        const expected = payload.current_status ?? "cancelled";
        assert.equal(endOf(end).final_status, expected);
      }
    },
  },
  {
    name: "what an agent emits and does after the end of its job has no effect",
    verifies: ["R-7.3-3"],
    async play(site) {
      const wire = await site.greeted();
      const [gate, done] = [site.gate(), site.gate()];
      const lease_request = { "cost.budget": ["EUR:5"], "tool.call": ["conformance.*"] };
      const { id } = await site.play(
        wire,
        [
          { ...gate.step, stubborn: true },
          { do: "thought", text: "late", as: "a" },
          { do: "log", level: "info", message: "late", as: "b" },
          { do: "metric", name: "cost.late", value: 1, unit: "EUR", as: "c" },
          { do: "tool", name: "conformance.echo", as: "d" },
          { do: "stream", text: "late", as: "e" },
          { do: "open", gate: done.step.gate },
          { do: "return", value: "late" },
        ],
        { max_runtime_sec: 1, lease_request },
      );
      await wire.until(isTerminal);
      await gate.open();
      const after = await site.play(wire, [done.step]);
      const rest = await wire.until(endsJob(after.id));
      await site.settled(wire);
      const late = rest.filter(({ job_id }) => job_id === id);
      assert.deepEqual(late, [], "something came after the end");
    },
  },
  {
    name: "an expired lease or an exhausted budget that ends a job ends it with status error",
    verifies: ["R-7.3-4"],
    async play(site) {
      const wire = await site.greeted();
      const spending: Step[] = [
        { do: "metric", name: "cost.x", value: 1, unit: "EUR" },
        { do: "tool", name: "conformance.echo" },
      ];
      const lease_request = { "cost.budget": ["EUR:1"], "tool.call": ["conformance.*"] };
      const exhausted = endOf(await site.played(wire, spending, { lease_request }));
      assert.deepEqual([exhausted.code, exhausted.final_status], ["BUDGET_EXHAUSTED", "error"]);
      const gate = site.gate();
      const expires_at = await runtimeTime(site, wire, 3000);
      const lease_constraints = { expires_at };
      const expired = endOf(await site.played(wire, [gate.step], { lease_constraints }));
      assert.deepEqual([expired.code, expired.final_status], ["LEASE_EXPIRED", "error"]);
    },
  },
  {
    name: "the first event of a job says that its agent is running",
    verifies: ["R-7.3-5"],
    async play(site) {
      const wire = await site.greeted();
      const [first] = await site.played(wire, [{ do: "thought", text: "eager" }]);
      assert.equal(bodiesOf(first ? [first] : [], "status")[0]?.phase, "running");
    },
  },
];
