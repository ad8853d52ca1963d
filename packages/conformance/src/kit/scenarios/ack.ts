import assert from "node:assert/strict";
import { features, REQUEST_ID_FEATURE } from "@arcp/core";
import type { WireClient } from "../../wire/wire-client.ts";
import { WireRejection } from "../../wire/wire-rejection.ts";
import { subscribe } from "../job-request.ts";
import { feature, windowWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { isThought, reached, thought, thoughts } from "../thought.ts";

export const acking = {
  features: [...features.filter((name) => name !== "heartbeat"), REQUEST_ID_FEATURE],
};

/** Acknowledges, and returns once the runtime has read that: it handles messages in order. */
export async function ack(
  site: Site,
  wire: WireClient,
  last_processed_seq: number,
  rules?: { readonly faulty: boolean },
): Promise<void> {
  await wire.send({ type: "session.ack", payload: { last_processed_seq } }, rules);
  await site.settled(wire);
}

export const acknowledgement: readonly Scenario[] = [
  {
    name: "a resume replays from the number that it presents, whatever was acknowledged",
    verifies: ["R-6.5-1"],
    needs: [feature("ack")],
    async play(site) {
      // The requirement that is broken if the ack counts is named below.
      const wire = await site.greeted(acking, { waive: ["R-6.3-8"] });
      const gate = site.gate();
      await site.play(wire, [thoughts(18), thought("last"), gate.step]);
      const last = await reached(wire, "last");
      await ack(site, wire, 10);
      await site.drop(wire);
      const ahead = await site.resumed(wire, { lastEventSeq: 15 });
      const replay = await ahead.until(isThought("last"));
      assert.equal(replay[0]?.event_seq, 16, "R-6.5-1: what was presented counts, not the ack");
      await site.drop(ahead);
      // What was acknowledged may be gone (R-6.5-2), but the replay never begins elsewhere.
      const back = await site.resumed(ahead, { lastEventSeq: 5 }).catch((error: unknown) => {
        if (error instanceof WireRejection && error.payload.code === "RESUME_WINDOW_EXPIRED")
          return;
        throw error;
      });
      const again = back ?? (await site.resumed(ahead, { lastEventSeq: last }));
      await gate.open();
      const rest = await again.until(isTerminal);
      const first = back === undefined ? last + 1 : 6;
      assert.equal(rest[0]?.event_seq, first, "R-6.5-1: what was presented counts, not the ack");
    },
  },
  {
    name: "what was not acknowledged is kept for a session that negotiated acks, however long ago it was sent",
    verifies: ["R-6.5-3", "R-14-3"],
    needs: [feature("ack"), windowWithin(30)],
    async play(site) {
      const wire = await site.greeted(acking);
      await site.play(wire, [thoughts(10)]);
      const all = await wire.until(isTerminal);
      await ack(site, wire, 2);
      const { resumeWindowSec, settings } = site.facts;
      const retentionSec = settings.retentionSec <= 30 ? settings.retentionSec : 0;
      await site.pause(Math.max(resumeWindowSec, retentionSec) * 1000 + 3000);
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: 2 });
      const replay = await again.until(isTerminal);
      assert.deepEqual(replay, all.slice(2), "R-6.5-3: all that was not acknowledged comes again");
    },
  },
  {
    name: "what one session acknowledged is still history to another",
    verifies: ["R-6.5-5"],
    needs: [feature("ack"), feature("subscribe")],
    async play(site) {
      const wire = await site.greeted(acking);
      const gate = site.gate();
      const { id } = await site.play(wire, [thoughts(20), thought("last"), gate.step]);
      const seen = await wire.until(isThought("last"));
      await ack(site, wire, seen.length);
      const watcher = await site.greeted(acking);
      const told = await subscribe(watcher, id, { history: true });
      assert.equal(told.payload.truncated, undefined, "R-6.5-5: nothing is gone");
      const history = await watcher.until(isThought("last"));
      assert.deepEqual(
        history.map(({ payload }) => payload),
        seen.map(({ payload }) => payload),
        "R-6.5-5: all of it comes",
      );
      await gate.open();
      await watcher.until(isTerminal);
    },
  },
  {
    name: "an ack that was not agreed on is not answered and changes nothing",
    verifies: ["R-6.5-4"],
    async play(site) {
      const plain = await site.greeted();
      const gate = site.gate();
      await site.play(plain, [thoughts(8), thought("last"), gate.step]);
      const last = await reached(plain, "last");
      for (const seq of [1, last, 1_000_000_000_000]) {
        await ack(site, plain, seq, { faulty: true });
      }
      const said = plain.transcript.toString();
      assert.ok(!/^<- .*"session\.error"/m.test(said), "R-6.5-4: it is ignored without a word");
      await site.drop(plain);
      const again = await site.resumed(plain, { lastEventSeq: 1 });
      const replay = await again.until(isThought("last"));
      assert.deepEqual(
        replay.map(({ event_seq }) => event_seq),
        Array.from({ length: last - 1 }, (_, i) => i + 2),
        "R-6.5-4: it frees nothing",
      );
      await gate.open();
      await again.until(isTerminal);
    },
  },
];
