import assert from "node:assert/strict";
import { type JobId, systemClock } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { restart } from "../need.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const SECRET = "sesame-of-the-agent";

export const lifecycle: readonly Scenario[] = [
  {
    name: "each job is listed and shown to whoever subscribes in the state in which it is",
    verifies: ["R-7.3-1", "R-7.3-11"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const running = await site.play(wire, [gate.step]);
      await wire.next((e) => e.job_id === running.id);
      const cancelled = await site.play(wire, [gate.step]);
      await wire.request("job.cancel", { job_id: cancelled.id }, { jobId: cancelled.id });
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
        const asked = { job_id, history: true };
        const { payload: told } = await watcher.request("job.subscribe", asked, { jobId: job_id });
        assert.equal(told.current_status, state, `R-7.3-1: the state of ${job_id}`);
        if (state === "running") continue;
        const history = await watcher.until((e) => isTerminal(e) && e.job_id === job_id);
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
      // A second end of a job is found by the sniffer.
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
        const { payload } = await wire.request("job.cancel", { job_id: id }, { jobId: id });
        const end = await wire.next(isTerminal);
        const expected = payload.current_status ?? "cancelled";
        assert.equal(endOf(end).final_status, expected);
      }
    },
  },
  {
    name: "what an agent says and does after the end of its job comes to nothing",
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
      const rest = await wire.until((e) => isTerminal(e) && e.job_id === after.id);
      await site.settled(wire);
      const late = rest.filter(({ job_id }) => job_id === id);
      assert.deepEqual(late, [], "something came after the end");
    },
  },
  {
    name: "an expired lease and a used-up budget that end a job end it as an error",
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
    name: "the first event of a job tells that its agent runs",
    verifies: ["R-7.3-5"],
    async play(site) {
      const wire = await site.greeted();
      const [first] = await site.played(wire, [{ do: "thought", text: "eager" }]);
      assert.equal(bodiesOf(first ? [first] : [], "status")[0]?.phase, "running");
    },
  },
  {
    name: "a job that is not over in its time ends at that moment, though its agent does not stop",
    verifies: ["R-7.3-6"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const started = systemClock.monotonic();
      const steps: Step[] = [{ ...gate.step, stubborn: true }];
      const { final_status, code } = endOf(await site.played(wire, steps, { max_runtime_sec: 1 }));
      assert.deepEqual([final_status, code], ["timed_out", "TIMEOUT"]);
      assert.ok(systemClock.monotonic() - started > 950, "the job ended before its time was over");
    },
  },
  {
    name: "deadlines that are weeks away do not end a job",
    verifies: ["R-7.3-7"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const far = await runtimeTime(site, wire, 60 * 86_400_000);
      await site.play(wire, [gate.step], { max_runtime_sec: 3_000_000 });
      await site.play(wire, [gate.step], { lease_constraints: { expires_at: far } });
      await site.settled(wire);
      await site.pause(200);
      await gate.open();
      for (let n = 0; n < 2; n++) {
        const end = await wire.next(isTerminal);
        assert.equal(end.type, "job.result", JSON.stringify(end.payload));
      }
    },
  },
  {
    name: "an exception that nobody expected ends the job, and its text stays within",
    verifies: ["R-7.3-8"],
    async play(site) {
      const wire = await site.greeted();
      const all = await site.played(wire, [{ do: "crash", message: SECRET }]);
      const { final_status, code, retryable } = endOf(all);
      assert.deepEqual([final_status, code, retryable], ["error", "INTERNAL_ERROR", true]);
      assert.ok(!JSON.stringify(all).includes(SECRET), "the text of the exception was told");
    },
  },
  {
    name: "an error that the agent raises on purpose is passed on as it is",
    verifies: ["R-7.3-9"],
    async play(site) {
      const wire = await site.greeted();
      const errors = [
        { code: "PERMISSION_DENIED", message: "not this folder", retryable: true },
        { code: "TIMEOUT", message: "the upstream was slow", retryable: false },
        { code: "AGENT_NOT_AVAILABLE", message: "later", retryable: false, details: { a: [1] } },
      ];
      for (const error of errors) {
        const end = endOf(await site.played(wire, [{ do: "raise", ...error }]));
        assert.deepEqual(end, { final_status: "error", ...error });
      }
    },
  },
  {
    name: "a finished job keeps its history and its end for who comes later",
    verifies: ["R-7.3-11"],
    async play(site) {
      const owner = await site.greeted();
      const { id } = await site.play(owner, [
        { do: "thought", text: "past" },
        { do: "return", value: 7 },
      ]);
      const seen = await owner.until(isTerminal);
      await site.pause(1000);
      const late = await site.greeted();
      const { payload } = await late.request("session.list_jobs", { limit: 1000 });
      assert.ok(
        payload.jobs.some(({ job_id }) => job_id === id),
        "it is not listed any more",
      );
      await late.request("job.subscribe", { job_id: id, history: true }, { jobId: id });
      const again = await late.until(isTerminal);
      assert.deepEqual(kindsOf(again), kindsOf(seen));
    },
  },
  {
    name: "a job that a restart has cut off ends as a fault that may be tried again",
    verifies: ["R-7.3-10"],
    needs: [restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [gate.step]);
      await wire.next();
      await site.restart();
      const again = await site.resumed(wire);
      const end = await again.next(isTerminal);
      assert.equal(end.job_id, id);
      const { final_status, code, retryable } = endOf(end);
      assert.deepEqual([final_status, code, retryable], ["error", "INTERNAL_ERROR", true]);
    },
  },
];
