import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { WireOptions } from "../../wire/wire-line.ts";
import { subscribe } from "../job-request.ts";
import { feature, windowWithin } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { jobSeqsOf, shared } from "../subscription.ts";
import { isThought, reached, thought, thoughts, thoughtsIn } from "../thought.ts";

const needs = [feature("subscribe")] as const;

/** The scenario itself checks for duplicates. */
const repetitions: WireOptions = { waive: ["R-7.6-11"] };

export const subscriptionHistory: readonly Scenario[] = [
  {
    name: "history begins after the requested number, the owner's or the job's",
    verifies: ["R-7.6-5", "R-7.6-11"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const [step, last] = [site.gate(), site.gate()];
      const { id } = await site.play(owner, [
        thought("a"),
        step.step,
        thought("b"),
        thought("c"),
        last.step,
      ]);
      const a = await reached(owner, "a");
      // Other events shift the owner's numbers against those of the job.
      await site.played(owner, [thought("between")]);
      const between = owner.lastEventSeq;
      await step.open();
      const [b, c] = [await reached(owner, "b"), await reached(owner, "c")];
      const watched = async (start: object, some: boolean): Promise<[unknown, string[]]> => {
        const watcher = await site.greeted();
        const { payload } = await subscribe(watcher, id, { history: true, ...start });
        assert.equal(payload.truncated, undefined, "R-7.6-5: nothing is gone");
        const texts = some ? thoughtsIn(await watcher.until(isThought("c"))) : [];
        await site.settled(watcher);
        if (!some) assert.equal(watcher.lastEventSeq, 0, `nothing comes for ${inspect(start)}`);
        return [payload.replayed, texts];
      };
      const head = (await subscribe(await site.greeted(), id)).payload.last_job_seq ?? 0;
      const expected: readonly (readonly [start: object, texts: string[]])[] = [
        [{}, ["a", "b", "c"]],
        [{ from_event_seq: 0 }, ["a", "b", "c"]],
        [{ from_event_seq: a }, ["b", "c"]],
        [{ from_event_seq: between }, ["b", "c"]],
        [{ from_event_seq: b }, ["c"]],
        [{ from_event_seq: c }, []],
        [{ from_job_seq: 0 }, ["a", "b", "c"]],
        [{ from_job_seq: head - 1 }, ["c"]],
        [{ from_job_seq: head }, []],
      ];
      for (const [start, texts] of expected) {
        const rule = "from_job_seq" in start ? "R-7.6-11" : "R-7.6-5";
        assert.deepEqual(
          await watched(start, texts.length > 0),
          [texts.length > 0, texts],
          `${rule}: replayed, and what comes for ${inspect(start)}`,
        );
      }
      await last.open();
    },
  },
  {
    name: "the two numbers after which history may begin exclude each other",
    verifies: ["R-7.6-11"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [gate.step]);
      const watcher = await site.greeted();
      const payload = { job_id: id, history: true, from_event_seq: 1, from_job_seq: 1 };
      const request = { id: "req_both", type: "job.subscribe", job_id: id, payload };
      await watcher.send(request, { faulty: true });
      await refusedWith(
        watcher.reply("job.subscribe", "req_both"),
        "INVALID_REQUEST",
        "R-7.6-11: from_job_seq excludes from_event_seq",
      );
      await gate.open();
      await owner.until(isTerminal);
    },
  },
  {
    name: "a session that subscribes to a job it follows gets a replay if it asks for one, and no live event twice",
    verifies: ["R-7.6-7"],
    needs,
    async play(site) {
      const owner = await site.greeted({}, repetitions);
      const gates = [site.gate(), site.gate(), site.gate()] as const;
      const texts = ["b", "c", "d"].flatMap((text, i) =>
        [gates[i]?.step ?? [], thought(text)].flat(),
      );
      const { id } = await site.play(owner, [thought("a"), ...texts]);
      await reached(owner, "a");
      const watcher = await site.greeted({}, repetitions);
      await subscribe(watcher, id, { history: true });
      await reached(watcher, "a");
      const both = [owner, watcher];
      for (const wire of both) {
        const { payload } = await subscribe(wire, id);
        assert.equal(payload.replayed, false, "R-7.6-7: no history was asked for");
      }
      await gates[0].open();
      for (const wire of both) {
        const next = await wire.next();
        assert.deepEqual(thoughtsIn([next]), ["b"]);
        const { payload } = await subscribe(wire, id, { history: true });
        assert.equal(payload.replayed, true, "R-7.6-7: a replay is acknowledged");
      }
      await gates[1].open();
      for (const wire of both) {
        const seen = thoughtsIn(await wire.until(isThought("c")));
        assert.deepEqual(seen, ["a", "b", "c"], "R-7.6-7: the replay, then what is new, once");
      }
      await gates[2].open();
      for (const wire of both) {
        const seen = await wire.until(isTerminal);
        assert.deepEqual(thoughtsIn(seen), ["d"], "R-7.6-7: live events come once");
        assert.equal(seen.length, 2, "R-7.6-7: live events come once");
      }
    },
  },
  {
    name: "an owner that asks for a replay in the middle of a flood gets the replay first, and then everything new",
    verifies: ["R-7.6-7"],
    needs,
    async play(site) {
      const owner = await site.greeted({}, repetitions);
      const { id } = await site.play(owner, [thoughts(1000), thought("last"), site.gate().step]);
      await owner.next(({ job_seq = 0 }) => job_seq >= 100);
      const { payload } = await subscribe(owner, id, { history: true, from_job_seq: 50 });
      const from = payload.subscribed_from ?? 0;
      const all = await owner.until((e) => isThought("last")(e) && (e.event_seq ?? 0) > from);
      const replay = all.filter(({ event_seq = 0 }) => event_seq > from);
      assert.deepEqual(
        jobSeqsOf(replay),
        replay.map((_, index) => 51 + index),
        "R-7.6-7: live events wait until the replay is done",
      );
    },
  },
  {
    name: "a session that unsubscribes, however often, gets no events and no reply, and may subscribe again",
    verifies: ["R-7.6-8"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const [first, second] = [site.gate(), site.gate()];
      const { id } = await site.play(owner, [
        thought("a"),
        first.step,
        thought("b"),
        second.step,
        thought("c"),
      ]);
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      await reached(watcher, "a");
      const seen = watcher.lastEventSeq;
      const leave = { type: "job.unsubscribe", job_id: id, payload: { job_id: id } };
      for (const wire of [watcher, watcher, owner]) {
        await wire.send(leave);
        await site.settled(wire);
      }
      await first.open();
      await reached(owner, "b");
      await site.settled(watcher);
      assert.equal(watcher.lastEventSeq, seen, "R-7.6-8: nothing more is forwarded");
      const said = watcher.transcript.toString();
      assert.ok(!said.includes('"session.error"'), "R-7.6-8: nothing is replied");
      await subscribe(watcher, id);
      await second.open();
      const rest = thoughtsIn(await watcher.until(isTerminal));
      assert.deepEqual(rest, ["c"], "R-7.6-8: it may come back");
      await owner.until(isTerminal).catch((error: unknown) => {
        assert.fail(`R-7.6-8: an owner stays one; ${error}`);
      });
    },
  },
  {
    name: "a subscription continues while the owner's connection is gone",
    verifies: ["R-7.6-10"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [thought("a"), gate.step, thought("b")]);
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      await reached(watcher, "a");
      await site.drop(owner);
      await gate.open();
      const rest = await watcher.until(isTerminal);
      assert.deepEqual(thoughtsIn(rest), ["b"]);
      assert.equal(rest.at(-1)?.type, "job.result", "R-7.6-10: the subscriber gets the result");
    },
  },
  {
    name: "a subscription continues when the owner's session is gone, and a viewer that lost its own continues by job_seq in a new one",
    verifies: ["R-7.6-10", "R-7.6-11"],
    needs: [...needs, windowWithin(30)],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [thoughts(20), thought("a"), gate.step, thought("b")]);
      const [watcher, lost] = [await site.greeted(), await site.greeted()];
      await subscribe(watcher, id, { history: true });
      const seen = await watcher.until(isThought("a"));
      await subscribe(lost, id, { history: true });
      const known = [await lost.next(), await lost.next(), await lost.next()];
      for (const wire of [owner, lost]) await site.drop(wire);
      await site.pause(site.facts.resumeWindowSec * 1000 + 3000);
      await gate.open();
      seen.push(...(await watcher.until(isTerminal)));
      assert.deepEqual(thoughtsIn(seen).slice(-2), ["a", "b"], "R-7.6-10: it goes on");
      const heir = await site.greeted();
      const from_job_seq = known.at(-1)?.job_seq ?? 0;
      await subscribe(heir, id, { history: true, from_job_seq });
      known.push(...(await heir.until(isTerminal)));
      assert.deepEqual(shared(known), shared(seen), "R-7.6-11: nothing is missed or repeated");
    },
  },
];
