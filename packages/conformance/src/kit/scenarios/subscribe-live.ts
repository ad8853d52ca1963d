import assert from "node:assert/strict";
import type { WireOptions } from "../../wire/wire-line.ts";
import { cancel, subscribe } from "../job-request.ts";
import { feature, settingOfAtLeast } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { jobSeqsOf } from "../subscription.ts";
import { reached, thought, thoughts, thoughtsIn } from "../thought.ts";

const needs = [feature("subscribe")] as const;

/** The scenario itself checks for duplicates. */
const repetitions: WireOptions = { waive: ["R-7.6-11"] };

export const liveSubscription: readonly Scenario[] = [
  {
    name: "without history nothing earlier comes, and of a finished job only its end",
    verifies: ["R-7.6-6"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [
        thoughts(3),
        thought("early"),
        gate.step,
        thought("late"),
      ]);
      await reached(owner, "early");
      const watcher = await site.greeted({}, repetitions);
      const { payload: told } = await subscribe(watcher, id);
      assert.equal(told.replayed, false, "R-7.6-6: nothing is replayed");
      await gate.open();
      const seen = await watcher.until(isTerminal);
      assert.deepEqual(thoughtsIn(seen), ["late"], "R-7.6-6: only what came afterwards");
      assert.equal(seen.length, 2, "R-7.6-6: only what came afterwards");
      const late = await site.greeted({}, repetitions);
      const { payload: over } = await subscribe(late, id, { history: false });
      assert.equal(over.current_status, "success");
      const end = await late.next();
      assert.equal(end.type, "job.result", "R-7.6-6: the end of a job that is over comes again");
      await site.settled(late);
      assert.equal(late.lastEventSeq, 1, "R-7.6-6: and nothing else");
    },
  },
  {
    name: "a subscription in the middle of a flood gets all of it exactly once and in order, and then the end",
    verifies: ["R-7.6-3"],
    needs: [...needs, settingOfAtLeast("logRecords", 1600)],
    async play(site) {
      const owner = await site.greeted();
      const { id } = await site.play(owner, [thoughts(1500)]);
      const watchers: { wire: typeof owner; after: number }[] = [];
      for (const history of [true, false, true]) {
        await owner.next(({ job_seq = 0 }) => job_seq >= 1 + 300 * watchers.length);
        const wire = await site.greeted({}, repetitions);
        const from_job_seq = watchers.length === 2 ? 100 : undefined;
        const { payload } = await subscribe(wire, id, { history, from_job_seq });
        // If the job was quicker, its end is all that there is to see without history.
        const live = payload.current_status === "running";
        const head = (payload.last_job_seq ?? 0) - (live ? 0 : 1);
        watchers.push({ wire, after: history ? (from_job_seq ?? 0) : head });
      }
      const end = (await owner.until(isTerminal)).at(-1)?.job_seq ?? 0;
      for (const { wire, after } of watchers) {
        const seen = jobSeqsOf(await wire.until(isTerminal));
        const all = Array.from({ length: end - after }, (_, i) => after + 1 + i);
        assert.deepEqual(seen, all, "R-7.6-3: from history to live nothing is lost or repeated");
      }
    },
  },
  ...(["failed", "cancelled"] as const).map(
    (how): Scenario => ({
      name: `a subscriber is told of the end of a job that is ${how}, and the subscription is over`,
      verifies: ["R-7.6-3"],
      needs,
      async play(site) {
        const owner = await site.greeted();
        const gate = site.gate();
        const { id } = await site.play(owner, [
          thought("runs"),
          gate.step,
          { do: "crash", message: "over" },
        ]);
        const watcher = await site.greeted();
        await subscribe(watcher, id, { history: true });
        await reached(watcher, "runs");
        if (how === "failed") await gate.open();
        else await cancel(owner, id);
        const ends = await Promise.all([owner, watcher].map((wire) => wire.next(isTerminal)));
        assert.deepEqual(
          ends.map(({ payload }) => payload),
          ends.map(() => ends[0]?.payload),
          "R-7.6-3: the end is delivered too",
        );
        assert.equal(ends[1]?.type, "job.error");
        const { payload } = await subscribe(watcher, id);
        assert.equal(payload.current_status, how === "failed" ? "error" : "cancelled");
        const again = await watcher.next();
        assert.equal(again.type, "job.error", "R-7.6-3: it was over, so the end comes again");
      },
    }),
  ),
];
