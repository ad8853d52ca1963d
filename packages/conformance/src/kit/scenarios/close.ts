import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { endingOf } from "../ending.ts";
import { endsJob } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { feature, windowWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought, thoughtsIn } from "../thought.ts";

export const close: readonly Scenario[] = [
  {
    name: "a close is answered with session.closed, and then the transport is closed normally",
    verifies: ["R-6.7-1"],
    async play(site) {
      for (const payload of [{ reason: "done for today" }, {}]) {
        const wire = await site.greeted();
        const closed = await wire.request("session.close", payload);
        assert.equal(closed.type, "session.closed");
        assert.equal(await endingOf(wire), "normal", "R-6.7-1: the transport is closed with 1000");
      }
    },
  },
  {
    name: "a closed session leaves its job running, and its last token resumes it with everything it missed",
    verifies: ["R-6.7-2", "R-6.7-3"],
    needs: [feature("subscribe")],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps = [thought("seen"), gate.step, thought("missed")];
      const { id } = await site.play(wire, steps);
      await reached(wire, "seen");
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      await wire.request("session.close", {});
      await endingOf(wire);
      await gate.open();
      const end = (await watcher.until(isTerminal)).at(-1);
      assert.equal(end?.type, "job.result", "R-6.7-2: the job comes to its own end");
      const again = await site.resumed(wire);
      assert.equal(again.sessionId, wire.sessionId, "R-6.7-3: it is the same session");
      const rest = await again.until(isTerminal);
      assert.deepEqual(thoughtsIn(rest), ["missed"], "R-6.7-3: what it missed is replayed");
    },
  },
  {
    name: "the window of a closed session begins with the close",
    verifies: ["R-6.7-3"],
    needs: [windowWithin(30)],
    async play(site) {
      const wire = await site.greeted();
      const window = site.facts.resumeWindowSec * 1000;
      await site.pause(window * 1.2);
      await wire.request("session.close", {});
      await endingOf(wire);
      await site.pause(window * 0.5);
      const again = await site.resumed(wire);
      await site.played(again, []);
    },
  },
  {
    name: "a bye closes the transport without a reply, and leaves job and session alive",
    verifies: ["R-6.7-4"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step, thought("missed")]);
      await reached(wire, "seen");
      await wire.send({ type: "session.bye", payload: { reason: "done for today" } });
      assert.equal(await endingOf(wire), "normal", "R-6.7-4: the transport is closed with 1000");
      const said = wire.transcript.toString();
      assert.ok(!/^<- .*"session\.(closed|bye|error)"/m.test(said), "R-6.7-4: without an answer");
      await gate.open();
      const again = await site.resumed(wire);
      const rest = await again.until(isTerminal);
      assert.deepEqual(thoughtsIn(rest), ["missed"], "R-6.7-4: the job goes on");
      assert.equal(rest.at(-1)?.type, "job.result", "R-6.7-4: the job goes on");
    },
  },
  ...(["session.close", "session.bye"] as const).map(
    (type): Scenario => ({
      name: `what comes after ${type} is ignored: no job is made, and none is cancelled`,
      verifies: ["R-6.7-5"],
      async play(site) {
        const wire = await site.greeted();
        const gate = site.gate();
        const { id } = await site.play(wire, [thought("seen"), gate.step]);
        await reached(wire, "seen");
        const key = newMessageId("key_");
        const submit = { agent: "conformance.script", idempotency_key: key };
        await Promise.allSettled([
          wire.send({ type, payload: {} }),
          wire.send({ type: "job.submit", payload: { ...submit, input: { steps: [] } } }),
          wire.send({ type: "job.cancel", job_id: id, payload: { job_id: id } }),
        ]);
        await endingOf(wire);
        const said = wire.transcript.toString();
        assert.ok(!said.includes('"job.cancelled"'), "R-6.7-5: nothing is answered any more");
        const again = await site.resumed(wire);
        await site.settled(again);
        // A key that leads to another job would be refused with DUPLICATE_KEY.
        const steps = [thought("the key was free")];
        await again.submit({ ...submit, input: { steps } }).catch((error: unknown) => {
          assert.fail(`R-6.7-5: no job is made after the close; ${error}`);
        });
        await reached(again, "the key was free");
        await gate.open();
        const end = await again.next(endsJob(id));
        assert.equal(end.type, "job.result", "R-6.7-5: no job is cancelled after the close");
      },
    }),
  ),
];
