import assert from "node:assert/strict";
import { type Envelope, formatTimestamp, systemClock } from "@arcp/core";
import { heldSubmit, heldSubmits } from "../held-submit.ts";
import { cancel } from "../job-request.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought } from "../thought.ts";

const MANY = 1000;
/** Requests that are sent at once: too few to be slowed down. */
const BURST = 200;

export const transport: readonly Scenario[] = [
  {
    name: "a thousand events arrive in the order in which the agent emitted them",
    verifies: ["R-4-1"],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-8.3-1"] });
      const steps = Array.from(
        { length: MANY },
        (_, n) => ({ do: "thought", text: `${n}` }) as const,
      );
      const all = await site.played(wire, steps);
      assert.deepEqual(
        all.flatMap(textOf),
        steps.map(({ text }) => text),
        "R-4-1: the events are not in order",
      );
    },
  },
  {
    name: "requests that are sent at once are processed and answered in that order",
    verifies: ["R-4-1", "R-5.4-5"],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-5.4-5"] });
      const ids = Array.from({ length: BURST }, (_, n) => `req_burst_${n}`);
      await Promise.all(
        ids.map((id) => wire.send({ type: "job.submit", id, payload: { agent: "nobody" } })),
      );
      const answered: unknown[] = [];
      for (const _ of ids) {
        const answer = await wire.notice((e) => e.type === "session.error");
        answered.push("request_id" in answer.payload && answer.payload.request_id);
      }
      assert.deepEqual(answered, ids);
    },
  },
  {
    name: "while a submit is still being processed, pings, cancels, listings and other sessions are answered",
    verifies: ["R-4-2"],
    needs: [heldSubmits],
    async play(site) {
      const wire = await site.greeted();
      const end = site.gate();
      const { id } = await site.play(wire, [end.step]);
      const held = site.gate();
      await wire.send(heldSubmit("req_held", held));
      const nonce = "while-held";
      await wire.send(
        { type: "session.ping", payload: { nonce, sent_at: now() } },
        { faulty: true },
      );
      await wire.notice((e) => e.type === "session.pong" && e.payload.ping_nonce === nonce);
      await wire.request("session.list_jobs", {});
      await cancel(wire, id);
      await wire.next(isTerminal);
      await site.played(await site.greeted(), [{ do: "return", value: 1 }]);
      await site.settled(wire);
      assert.ok(
        !wire.transcript.toString().includes('"request_id":"req_held"'),
        "R-4-2: the submit was answered although it was still held",
      );
      await held.open();
      await wire.reply("job.submit", "req_held");
    },
  },
  ...(["breaks", "closes normally", "closes as going away"] as const).map(
    (way): Scenario => ({
      name: `when a client's connection ${way}, its job continues to its result`,
      verifies: ["R-4-4"],
      async play(site) {
        const wire = await site.greeted();
        const gate = site.gate();
        await site.play(wire, [
          thought("under way"),
          gate.step,
          { do: "return", value: "not stopped" },
        ]);
        await reached(wire, "under way");
        const other = await site.greeted();
        if (way === "breaks") await site.drop(wire);
        else await wire.close(way === "closes normally" ? "normal" : "going-away");
        // Time for a runtime to notice, and to stop the job.
        await site.settled(other);
        const again = await site.resumed(wire);
        await site.settled(again);
        await gate.open();
        const end = (await again.until(isTerminal)).at(-1);
        assert.equal(end?.type, "job.result", "R-4-4: the job came to no result");
        assert.equal("result" in end.payload && end.payload.result, "not stopped");
      },
    }),
  ),
];

function textOf({ payload }: Envelope): string[] {
  return "kind" in payload && payload.kind === "thought" ? [`${payload.body.text}`] : [];
}

function now(): string {
  return formatTimestamp(systemClock.now());
}
