import assert from "node:assert/strict";
import { subscribe } from "../job-request.ts";
import { feature, restart, windowWithin } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { isThought, reached, thought, thoughts, thoughtsIn } from "../thought.ts";

/** Milliseconds that a runtime may take to notice that a window has passed. */
const LATE = 3000;

const windowOf = ({ facts }: Site): number => facts.resumeWindowSec * 1000;

export const resumeWindow: readonly Scenario[] = [
  {
    name: "a session that is older than the window, but was disconnected just now, resumes",
    verifies: ["R-6.3-11"],
    needs: [windowWithin(30)],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step]);
      await reached(wire, "seen");
      await site.pause(windowOf(site) * 1.2);
      await site.drop(wire);
      const again = await site.resumed(wire);
      // That loss is settled: its window never ends.
      await site.pause(windowOf(site) * 1.2);
      await site.drop(again);
      const third = await site.resumed(again);
      await gate.open();
      await third.until(isTerminal);
    },
  },
  {
    name: "after the window a session is unknown, while its job continues, visible to its principal",
    verifies: ["R-6.3-18", "R-6.3-5"],
    needs: [windowWithin(30), feature("subscribe"), feature("list_jobs")],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      // Another job shifts this session's numbers against those of the job.
      await site.played(wire, []);
      const steps = [thought("early"), thought("seen"), gate.step, thought("alone")];
      const { id } = await site.play(wire, steps);
      const early = await reached(wire, "early");
      await reached(wire, "seen");
      await site.drop(wire);
      await site.pause(windowOf(site) + LATE);
      const gone = await refusedWith(
        site.resumed(wire),
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-18: the session is forgotten",
      );
      const never = await refusedWith(
        site.resumed(wire, { resumeToken: `rt_${"0".repeat(64)}` }),
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-5: a token that never was is refused",
      );
      const texts = [gone, never].map(({ payload: { code, message } }) => [code, message]);
      assert.deepEqual(texts[0], texts[1], "R-6.3-5: late and never look the same");
      const heir = await site.greeted();
      const { payload } = await heir.request("session.list_jobs", {
        filter: { status: ["running"] },
        limit: 1000,
      });
      assert.ok(
        payload.jobs.some(({ job_id }) => job_id === id),
        "R-6.3-18: its job is listed and runs",
      );
      await subscribe(heir, id, { history: true, from_event_seq: early });
      await gate.open();
      const rest = await heir.until(isTerminal);
      assert.deepEqual(
        thoughtsIn(rest),
        ["seen", "alone"],
        "R-6.3-18: the numbers of the forgotten session still mean something",
      );
      assert.equal(rest.at(-1)?.type, "job.result", "R-6.3-18: its job goes on");
    },
  },
  {
    name: "after a crash a session resumes from where its client is, and its window counts from the restart",
    verifies: ["R-6.3-20", "R-6.3-11"],
    needs: [restart, windowWithin(30)],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thoughts(20), thought("last"), gate.step]);
      const all = await wire.until(isThought("last"));
      const away = await site.greeted();
      await site.drop(away);
      await site.pause(windowOf(site) * 0.6);
      await site.restart();
      await site.pause(windowOf(site) * 0.6);
      await refusedWith(
        site.resumed(wire, { lastEventSeq: all.length + 100 }),
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-20: a position that never was is refused as before",
      );
      const again = await site.resumed(wire, { lastEventSeq: 5 });
      // For a runtime that is able to continue the job.
      await gate.open();
      const rest = await again.until(isTerminal);
      assert.equal(again.sessionId, wire.sessionId);
      assert.equal(rest[0]?.event_seq, 6, "R-6.3-20: the replay begins behind what was seen");
      assert.deepEqual(
        rest.slice(0, all.length - 5),
        all.slice(5),
        "R-6.3-20: the replay has the same content as before",
      );
      const other = await site.resumed(away);
      await site.played(other, []);
    },
  },
];
