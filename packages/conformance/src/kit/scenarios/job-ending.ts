import assert from "node:assert/strict";
import { systemClock } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { kindsOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { restart } from "../need.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought } from "../thought.ts";

const SECRET = "sesame-of-the-agent";

export const jobEnding: readonly Scenario[] = [
  {
    name: "a job that exceeds its time ends at that moment, even if its agent does not stop",
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
    name: "an unexpected exception ends the job, and its text is not revealed",
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
    name: "an error that the agent raises on purpose is passed on unchanged",
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
    name: "a finished job keeps its history and its end for late viewers",
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
      await subscribe(late, id, { history: true });
      const again = await late.until(isTerminal);
      assert.deepEqual(kindsOf(again), kindsOf(seen));
    },
  },
  {
    name: "a job that was interrupted by a restart ends with a retryable error",
    verifies: ["R-7.3-10"],
    needs: [restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [thought("runs"), gate.step]);
      await reached(wire, "runs");
      await site.restart();
      const again = await site.resumed(wire);
      const end = await again.next(isTerminal);
      assert.equal(end.job_id, id);
      const { final_status, code, retryable } = endOf(end);
      assert.deepEqual([final_status, code, retryable], ["error", "INTERNAL_ERROR", true]);
    },
  },
];
