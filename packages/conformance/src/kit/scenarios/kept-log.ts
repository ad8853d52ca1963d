import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { endingOf } from "../ending.ts";
import { endsJob } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { feature, settingWithin } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { type Gate, isTerminal } from "../site.ts";
import { reached, thought, thoughts } from "../thought.ts";

/** Events of which a few fill the buffers of a connection: the characters of one, and the number of events. */
const BULK = { length: 60_000, count: 220 };

const needs = [settingWithin("logRecords", 10_000), feature("subscribe")] as const;

/** More than a log keeps, in two halves: a client that has read the first is not overtaken by the second, however slow it is. */
const overflow = (logRecords: number, more: Gate): readonly Step[] => [
  thoughts(Math.ceil(logRecords / 2)),
  thought("half"),
  more.step,
  thoughts(Math.ceil(logRecords / 2) + 50),
  thought("full"),
];

export const keptLog: readonly Scenario[] = [
  {
    name: "a client that missed more than a log keeps cannot resume, and history begins with what is kept",
    verifies: ["R-6.3-10", "R-6.3-17", "R-7.6-5"],
    needs,
    async play(site) {
      const { logRecords } = site.facts.settings;
      const wire = await site.greeted();
      const [away, more, end] = [site.gate(), site.gate(), site.gate()];
      const { id } = await site.play(wire, [
        thought("seen"),
        away.step,
        ...overflow(logRecords, more),
        end.step,
      ]);
      const seen = await reached(wire, "seen");
      await site.drop(wire);
      const other = await site.greeted();
      await subscribe(other, id);
      await away.open();
      await reached(other, "half");
      await more.open();
      await reached(other, "full");
      await refusedWith(
        site.resumed(wire, { lastEventSeq: seen }),
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-10: what was missed is not there any more",
      );
      const told = await subscribe(other, id, { history: true });
      assert.equal(told.payload.current_status, "running", "R-6.3-17: the job is alive");
      assert.equal(told.payload.truncated, true, "R-7.6-5: it is told that older history is gone");
      assert.equal(told.payload.replayed, true, "R-7.6-5: what is kept is replayed");
      await end.open();
      const kept = await other.until(isTerminal);
      const last = kept.at(-1);
      assert.equal(last?.type, "job.result", "R-6.3-17: the job goes on");
      assert.equal(
        (last?.job_seq ?? 0) - (kept[0]?.job_seq ?? 0) + 1,
        kept.length,
        "R-6.3-17: the oldest records go first, and none between others",
      );
    },
  },
  {
    name: "a viewer and an owner that fall behind what a log keeps are told so, the viewer only about its subscription",
    verifies: ["R-6.3-17"],
    needs,
    async play(site) {
      const { logRecords } = site.facts.settings;
      const owner = await site.greeted();
      const [start, more, alive, end] = [site.gate(), site.gate(), site.gate(), site.gate()];
      const { id } = await site.play(owner, [
        thought("seen"),
        start.step,
        thoughts(BULK.count, BULK.length),
        ...overflow(logRecords, more),
        end.step,
      ]);
      await reached(owner, "seen");
      const watcher = await site.greeted();
      const own = await site.play(watcher, [alive.step, thought("alive")]);
      await subscribe(watcher, id, { history: true }, { id: "req_lag" });
      await reached(watcher, "seen");
      const other = await site.greeted();
      await subscribe(other, id);
      for (const wire of [owner, watcher]) site.lineOf(wire).stall();
      await start.open();
      await reached(other, "half");
      await more.open();
      await reached(other, "full");
      for (const wire of [owner, watcher]) site.lineOf(wire).release();
      const fatal = await owner.notice(({ type }) => type === "session.error");
      assert.equal(
        fatal.type === "session.error" && fatal.payload.code,
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-17: the owner's connection is ended",
      );
      assert.notEqual(
        await endingOf(owner),
        "still open",
        "R-6.3-17: the owner's connection is ended",
      );
      const lost = await watcher.notice(({ type }) => type === "session.error");
      const { code, job_id, request_id } = lost.type === "session.error" ? lost.payload : {};
      assert.deepEqual(
        { code, job_id, request_id },
        { code: "RESUME_WINDOW_EXPIRED", job_id: id, request_id: "req_lag" },
        "R-6.3-17: the viewer is told which subscription is lost",
      );
      await alive.open();
      await watcher.until(endsJob(own.id));
      const told = await subscribe(other, id);
      assert.equal(told.payload.current_status, "running", "R-6.3-17: the job is alive");
      await end.open();
      assert.equal((await other.next(isTerminal)).type, "job.result");
    },
  },
  {
    name: "a viewer that does not read delays neither the owner, nor the agent, nor other viewers, and loses nothing",
    verifies: ["R-6.5-10", "R-6.5-11"],
    needs: [feature("subscribe")],
    async play(site) {
      const owner = await site.greeted();
      const start = site.gate();
      const { id } = await site.play(owner, [
        thought("seen"),
        start.step,
        thoughts(BULK.count, BULK.length),
      ]);
      const [stalled, brisk] = [await site.greeted(), await site.greeted()];
      for (const wire of [stalled, brisk]) {
        await subscribe(wire, id, { history: true });
        await reached(wire, "seen");
      }
      await reached(owner, "seen");
      site.lineOf(stalled).stall();
      await start.open();
      for (const wire of [owner, brisk]) {
        const all = await wire.until(isTerminal);
        assert.equal(all.length, BULK.count + 1, "R-6.5-11: who reads gets all in the meantime");
      }
      site.lineOf(stalled).release();
      // The sniffer checks the numbers.
      const late = await stalled.until(isTerminal);
      assert.equal(late.length, BULK.count + 1, "R-6.5-10: late, but whole and in order");
    },
  },
];
