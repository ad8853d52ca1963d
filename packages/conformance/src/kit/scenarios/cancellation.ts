import assert from "node:assert/strict";
import { newMessageId, systemClock } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { restart, settingWithin, windowWithin } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const cancel = (wire: WireClient, job_id: string, reason?: string) =>
  wire.request("job.cancel", { job_id, ...(reason && { reason }) }, { jobId: job_id });

/** What a job does that does not stop when it is told to. */
const shortGrace = settingWithin("cancelGraceSec", 5);

export const cancellation: readonly Scenario[] = [
  {
    name: "a cancel is acknowledged without a number, the agent may tidy up, and then the job ends",
    verifies: ["R-7.4-1", "R-7.4-3"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const script = {
        steps: [gate.step],
        cleanup: [{ do: "thought", text: "tidied up" } as const],
      };
      const { id } = await site.play(wire, script);
      await wire.next();
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
    name: "the acknowledgement of a cancel comes before the end that it leads to, also of an agent that stops at once",
    verifies: ["R-7.4-1"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      for (let n = 0; n < 10; n++) {
        const { id } = await site.play(wire, [gate.step]);
        await wire.next((e) => e.job_id === id);
        await cancel(wire, id);
        await wire.next((e) => isTerminal(e) && e.job_id === id);
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
        const { id } = await site.play(wire, [{ ...gate.step, stubborn: true }, ...steps]);
        await cancel(wire, id);
        await gate.open();
        const end = await wire.next((e) => isTerminal(e) && e.job_id === id);
        assert.equal(end.type, "job.error", JSON.stringify(steps));
        const { final_status, code, message } = endOf(end);
        assert.deepEqual([final_status, code], ["cancelled", "CANCELLED"], JSON.stringify(steps));
        assert.notEqual(message, "", "the message says something");
      }
    },
  },
  {
    name: "a deadline that passes while a cancelled agent tidies up does not change how the job ends",
    verifies: ["R-7.4-2"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps: Step[] = [{ ...gate.step, stubborn: true }];
      const { id } = await site.play(wire, steps, { max_runtime_sec: 1 });
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
      const { id } = await site.play(wire, [{ ...gate.step, stubborn: true }]);
      await wire.next();
      await cancel(wire, id);
      await site.restart();
      const again = await site.resumed(wire);
      const end = await again.next(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
    },
  },
  {
    name: "an agent that does not stop in the time of grace is left alone, and can do nothing more",
    verifies: ["R-7.4-4"],
    needs: [shortGrace],
    async play(site) {
      const wire = await site.greeted();
      const [gate, done] = [site.gate(), site.gate()];
      const lease_request = { "tool.call": ["conformance.*"], "cost.budget": ["EUR:5"] };
      const { id } = await site.play(
        wire,
        [
          { ...gate.step, stubborn: true },
          { do: "thought", text: "late", as: "a" },
          { do: "tool", name: "conformance.echo", as: "b" },
          { do: "metric", name: "cost.x", value: 1, unit: "EUR", as: "c" },
          { do: "open", gate: done.step.gate },
        ],
        { lease_request },
      );
      const started = systemClock.monotonic();
      await cancel(wire, id);
      const end = await wire.until(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
      const grace = site.facts.settings.cancelGraceSec * 1000;
      assert.ok(systemClock.monotonic() - started > grace * 0.9, "the time of grace was cut short");
      await gate.open();
      const after = await site.play(wire, [done.step]);
      const rest = await wire.until((e) => isTerminal(e) && e.job_id === after.id);
      const late = rest.filter(({ job_id }) => job_id === id);
      assert.deepEqual(late, [], "something came after the end");
    },
  },
  {
    name: "cancels that are repeated are acknowledged again, and do not extend the time of grace",
    verifies: ["R-7.4-5"],
    needs: [shortGrace],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [{ ...gate.step, stubborn: true }]);
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
  {
    name: "a cancel of a finished job tells how it ended and changes nothing",
    verifies: ["R-7.4-6"],
    async play(site) {
      const wire = await site.greeted();
      const ends: [string, Step[]][] = [
        ["success", [{ do: "return", value: 1 }]],
        ["error", [{ do: "crash", message: "boom" }]],
      ];
      for (const [state, steps] of ends) {
        const { id } = await site.play(wire, steps);
        await wire.next(isTerminal);
        for (let n = 0; n < 2; n++) {
          assert.equal((await cancel(wire, id)).payload.current_status, state);
        }
        await site.settled(wire);
        const watcher = await site.greeted();
        const told = await watcher.request("job.subscribe", { job_id: id }, { jobId: id });
        assert.equal(told.payload.current_status, state);
      }
    },
  },
  {
    name: "only the session that owns a job may cancel it, and who may not see it is told that there is none",
    verifies: ["R-7.4-7"],
    async play(site) {
      const [wire, other, stranger] = await Promise.all([
        site.greeted(),
        site.greeted(),
        site.greeted({ who: "second" }),
      ]);
      const gate = site.gate();
      const { id } = await site.play(wire, [gate.step]);
      for (let n = 0; n < 2; n++) {
        const { code } = await refusal(cancel(other, id), "the cancel of another session");
        assert.equal(code, "PERMISSION_DENIED");
        // A subscription gives no authority either.
        await other.request("job.subscribe", { job_id: id }, { jobId: id });
      }
      const words = await Promise.all(
        [id, newMessageId("job_")].map(async (job) => {
          const { request_id: _, job_id: __, ...rest } = await refusal(cancel(stranger, job), job);
          return rest;
        }),
      );
      assert.equal(words[0]?.code, "JOB_NOT_FOUND");
      assert.deepEqual(words[0], words[1], "an invisible job is refused as an unknown one");
      await gate.open();
      assert.equal((await wire.next(isTerminal)).type, "job.result");
    },
  },
  {
    name: "once the session that owned it is gone, the others of its principal may cancel a job",
    verifies: ["R-7.4-7"],
    needs: [windowWithin(30)],
    async play(site) {
      const gone = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(gone, [gate.step]);
      const [heir, stranger] = [await site.greeted(), await site.greeted({ who: "second" })];
      await site.drop(gone);
      assert.equal((await refusal(cancel(heir, id), "a cancel")).code, "PERMISSION_DENIED");
      await site.pause(site.facts.resumeWindowSec * 1000 + 1500);
      assert.equal((await refusal(cancel(stranger, id), "a cancel")).code, "JOB_NOT_FOUND");
      await heir.request("job.subscribe", { job_id: id }, { jobId: id });
      await cancel(heir, id);
      const end = await heir.next(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
    },
  },
  {
    name: "a cancel names one job, in the envelope or in the payload or in both alike",
    verifies: ["R-7.4-8"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [gate.step]);
      const { id: other } = await site.play(wire, [gate.step]);
      const ask = async (form: object) => {
        const request = newMessageId("req_");
        await wire.send({ type: "job.cancel", id: request, ...form }, { faulty: true });
        return wire.reply("job.cancel", request);
      };
      const wrong = [{ payload: {} }, { job_id: id, payload: { job_id: other } }];
      for (const form of wrong) {
        const { code } = await refusal(ask(form), JSON.stringify(form));
        assert.equal(code, "INVALID_REQUEST", JSON.stringify(form));
      }
      await gate.open();
      for (let n = 0; n < 2; n++) assert.equal((await wire.next(isTerminal)).type, "job.result");
      for (const form of [{ job_id: id, payload: {} }, { payload: { job_id: id } }]) {
        assert.equal((await ask(form)).payload.job_id, id);
      }
    },
  },
];

/** Whether the last acknowledgement of a cancel came before the last end of a job. */
function order(lines: readonly string[]): boolean {
  const last = (type: string) =>
    lines.findLastIndex((line) => line.startsWith("<-") && line.includes(`"type":"${type}"`));
  return last("job.cancelled") < last("job.error");
}
