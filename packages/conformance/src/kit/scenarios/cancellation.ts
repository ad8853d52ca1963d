import assert from "node:assert/strict";
import { systemClock } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf, endsJob } from "../job-end.ts";
import { cancel } from "../job-request.ts";
import { restart, settingWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought } from "../thought.ts";

/** The steps of a job that does not stop when it is told to. */
const shortGrace = settingWithin("cancelGraceSec", 5);

export const cancellation: readonly Scenario[] = [
  {
    name: "a cancel is acknowledged without a number, the agent may clean up, and then the job ends",
    verifies: ["R-7.4-1", "R-7.4-3"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const script = {
        steps: [thought("runs"), gate.step],
        cleanup: [{ do: "thought", text: "tidied up" } as const],
      };
      const { id } = await site.play(wire, script);
      await reached(wire, "runs");
      const reply = await cancel(wire, id, "wrong folder");
      assert.equal(reply.event_seq, undefined, "R-7.4-1: the acknowledgement has no event_seq");
      assert.equal(reply.payload.job_id, id);
      assert.equal(reply.payload.current_status, undefined, "R-7.4-1: the job was not over");
      const rest = await wire.until(isTerminal);
      assert.deepEqual(
        bodiesOf(rest, "thought"),
        [{ text: "tidied up" }],
        "R-7.4-3: the agent was told, and what it said then came before the end",
      );
    },
  },
  {
    name: "the acknowledgement of a cancel precedes the end that it leads to, even if the agent stops at once",
    verifies: ["R-7.4-1"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      for (let n = 0; n < 10; n++) {
        const { id } = await site.play(wire, [thought("runs"), gate.step]);
        await reached(wire, "runs");
        await cancel(wire, id);
        await wire.next(endsJob(id));
        assert.ok(order(wire.transcript.toString().split("\n")), "the end came first");
      }
    },
  },
  {
    name: "an acknowledged cancel ends the job as cancelled, whatever the agent returns or throws",
    verifies: ["R-7.4-2"],
    async play(site) {
      const wire = await site.greeted();
      const afterwards: Step[][] = [
        [{ do: "return", value: "done after all" }],
        [{ do: "crash", message: "boom" }],
        [{ do: "raise", code: "PERMISSION_DENIED", message: "no" }],
        [{ do: "stream", text: "a stream", as: "s" }],
      ];
      for (const steps of afterwards) {
        const gate = site.gate();
        const waiting: Step = { ...gate.step, stubborn: true };
        const { id } = await site.play(wire, [thought("runs"), waiting, ...steps]);
        await reached(wire, "runs");
        await cancel(wire, id);
        await gate.open();
        const end = await wire.next(endsJob(id));
        assert.equal(end.type, "job.error", JSON.stringify(steps));
        const { final_status, code, message } = endOf(end);
        assert.deepEqual([final_status, code], ["cancelled", "CANCELLED"], JSON.stringify(steps));
        assert.notEqual(message, "", "the message says something");
      }
    },
  },
  {
    name: "a deadline that passes while a cancelled agent cleans up does not change how the job ends",
    verifies: ["R-7.4-2"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps: Step[] = [thought("runs"), { ...gate.step, stubborn: true }];
      const { id } = await site.play(wire, steps, { max_runtime_sec: 1 });
      await reached(wire, "runs");
      await cancel(wire, id);
      const end = await wire.next(isTerminal);
      assert.equal(endOf(end).final_status, "cancelled");
    },
  },
  {
    name: "a cancel that was acknowledged before a restart ends the job as cancelled after it",
    verifies: ["R-7.4-2"],
    needs: [restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [thought("runs"), { ...gate.step, stubborn: true }]);
      await reached(wire, "runs");
      await cancel(wire, id);
      await site.restart();
      const again = await site.resumed(wire);
      const end = await again.next(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
    },
  },
  {
    name: "an agent that does not stop within the grace period is abandoned, and can do nothing more",
    verifies: ["R-7.4-4"],
    needs: [shortGrace],
    async play(site) {
      const wire = await site.greeted();
      const [gate, done] = [site.gate(), site.gate()];
      const lease_request = { "tool.call": ["conformance.*"], "cost.budget": ["EUR:5"] };
      const { id } = await site.play(
        wire,
        [
          // A job whose agent has not even started may end at once.
          thought("runs"),
          { ...gate.step, stubborn: true },
          { do: "thought", text: "late", as: "a" },
          { do: "tool", name: "conformance.echo", as: "b" },
          { do: "metric", name: "cost.x", value: 1, unit: "EUR", as: "c" },
          { do: "open", gate: done.step.gate },
        ],
        { lease_request },
      );
      await reached(wire, "runs");
      const started = systemClock.monotonic();
      await cancel(wire, id);
      const end = await wire.until(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
      const grace = site.facts.settings.cancelGraceSec * 1000;
      assert.ok(systemClock.monotonic() - started > grace * 0.9, "the time of grace was cut short");
      await gate.open();
      const after = await site.play(wire, [done.step]);
      const rest = await wire.until(endsJob(after.id));
      const late = rest.filter(({ job_id }) => job_id === id);
      assert.deepEqual(late, [], "something came after the end");
    },
  },
  {
    name: "repeated cancels are acknowledged again, and do not extend the grace period",
    verifies: ["R-7.4-5"],
    needs: [shortGrace],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [thought("runs"), { ...gate.step, stubborn: true }]);
      await reached(wire, "runs");
      const grace = site.facts.settings.cancelGraceSec * 1000;
      let over = false;
      for (let n = 0; n < 20 && !over; n++) {
        const { payload } = await cancel(wire, id);
        over = payload.current_status !== undefined;
        await site.pause(grace / 4);
      }
      assert.ok(over, `the job goes on as long as it is cancelled`);
      const end = await wire.next(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
      await site.settled(wire);
    },
  },
];

/** Whether the last acknowledgement of a cancel came before the last end of a job. */
function order(lines: readonly string[]): boolean {
  const last = (type: string) =>
    lines.findLastIndex((line) => line.startsWith("<-") && line.includes(`"type":"${type}"`));
  return last("job.cancelled") < last("job.error");
}
