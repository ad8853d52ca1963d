import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { endOf } from "../job-end.ts";
import { cancel, subscribe } from "../job-request.ts";
import { windowWithin } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

export const cancelAuthority: readonly Scenario[] = [
  {
    name: "a cancel of a finished job reports how it ended and changes nothing",
    verifies: ["R-7.4-6"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const ends: [state: string, steps: Step[], rest?: { max_runtime_sec: number }][] = [
        ["success", [{ do: "return", value: 1 }]],
        ["error", [{ do: "crash", message: "boom" }]],
        ["timed_out", [gate.step], { max_runtime_sec: 1 }],
        ["cancelled", [gate.step]],
      ];
      for (const [state, steps, rest] of ends) {
        const { id } = await site.play(wire, steps, rest);
        if (state === "cancelled") await cancel(wire, id);
        const end = await wire.next(isTerminal);
        for (let n = 0; n < 2; n++) {
          assert.equal((await cancel(wire, id)).payload.current_status, state);
        }
        await site.settled(wire);
        assert.equal(wire.lastEventSeq, end.event_seq, "something came after the end");
        const watcher = await site.greeted();
        const told = await subscribe(watcher, id);
        assert.equal(told.payload.current_status, state);
        assert.deepEqual((await watcher.next(isTerminal)).payload, end.payload);
      }
    },
  },
  {
    name: "only the session that owns a job may cancel it, and whoever may not see it is told that there is none",
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
        await subscribe(other, id);
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
    name: "once the owning session is gone, other sessions of its principal may cancel a job",
    verifies: ["R-7.4-7"],
    needs: [windowWithin(30)],
    async play(site) {
      const gone = await site.greeted();
      const gate = site.gate();
      // A job with a key is kept longer than the session (R-7.2-7).
      const { id: over } = await site.play(gone, [], { idempotency_key: newMessageId("key_") });
      await gone.next(isTerminal);
      const { id } = await site.play(gone, [gate.step]);
      const [heir, stranger] = [await site.greeted(), await site.greeted({ who: "second" })];
      await site.drop(gone);
      assert.equal((await refusal(cancel(heir, id), "a cancel")).code, "PERMISSION_DENIED");
      await site.pause(site.facts.resumeWindowSec * 1000 + 1500);
      assert.equal((await refusal(cancel(stranger, id), "a cancel")).code, "JOB_NOT_FOUND");
      assert.equal((await cancel(heir, over)).payload.current_status, "success");
      await subscribe(heir, id);
      await cancel(heir, id);
      const end = await heir.next(isTerminal);
      assert.equal(endOf(end).code, "CANCELLED");
    },
  },
  {
    name: "a cancel names one job, in the envelope, in the payload, or the same one in both",
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
      const wrong = [
        { payload: {} },
        { payload: { job_id: null } },
        { job_id: id, payload: { job_id: other } },
      ];
      for (const form of wrong) {
        const { code } = await refusal(ask(form), JSON.stringify(form));
        assert.equal(code, "INVALID_REQUEST", JSON.stringify(form));
      }
      await gate.open();
      for (let n = 0; n < 2; n++) assert.equal((await wire.next(isTerminal)).type, "job.result");
      for (const form of [
        { job_id: id, payload: {} },
        { payload: { job_id: id } },
        { job_id: id, payload: { job_id: id } },
        { job_id: id, payload: { job_id: null } },
      ]) {
        assert.equal((await ask(form)).payload.job_id, id);
      }
    },
  },
];
