import assert from "node:assert/strict";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import { subscribe } from "../job-request.ts";
import { feature, settingWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { isThought, reached, thought, thoughts } from "../thought.ts";
import { ack, acking } from "./ack.ts";

const isNotice = ({ type, payload }: StreamEnvelope): boolean =>
  type === "job.event" && payload.kind === "status" && payload.body["phase"] === "back_pressure";

const needs = [feature("ack"), settingWithin("backPressureThreshold", 2000)] as const;

export const backPressure: readonly Scenario[] = [
  {
    name: "a client that acknowledges 10 and then 40, and is sent 100 more than the threshold, is notified once, and loses nothing",
    verifies: ["R-13-2", "R-6.5-7", "R-6.5-10"],
    needs,
    async play(site) {
      const threshold = site.facts.settings.backPressureThreshold;
      const wire = await site.greeted(acking);
      const [first, second] = [site.gate(), site.gate()];
      const { id } = await site.play(wire, [
        thoughts(19),
        thought("20"),
        first.step,
        thoughts(threshold + 29),
        thought("50 more than the threshold"),
        second.step,
        thoughts(50),
      ]);
      const seen = await wire.until(isThought("20"));
      await ack(site, wire, 10);
      await first.open();
      seen.push(...(await wire.until(isThought("50 more than the threshold"))));
      await site.settled(wire);
      await ack(site, wire, 40);
      await second.open();
      seen.push(...(await wire.until(isTerminal)));
      const notices = seen.filter(isNotice);
      assert.equal(notices.length, 1, "R-13-2: it is told exactly once");
      assert.equal(notices[0]?.job_id, id, "R-6.5-7: on the job whose event was too much");
      const place = notices[0]?.event_seq ?? 0;
      assert.ok(
        place > 10 + threshold,
        `R-6.5-7: not before the threshold; its number is ${place}`,
      );
      const said = seen.filter(
        ({ type, payload }) => type === "job.event" && payload.kind === "thought",
      );
      assert.equal(said.length, threshold + 100, "R-13-2: no event is lost");
    },
  },
  {
    name: "the notice precedes the envelope that exceeded the threshold if that envelope ends its job",
    verifies: ["R-6.5-7"],
    needs,
    async play(site) {
      const threshold = site.facts.settings.backPressureThreshold;
      const wire = await site.greeted(acking);
      const [end, hold] = [site.gate(), site.gate()];
      const { id } = await site.play(wire, [thought("runs"), end.step]);
      const start = await reached(wire, "runs");
      // Measures how many envelopes a job has up to its first thought.
      await site.play(wire, [thought("probe"), hold.step]);
      const probe = await reached(wire, "probe");
      const rest = threshold - probe - (probe - start);
      await site.play(wire, [thoughts(rest), thought("full"), hold.step]);
      assert.equal(
        await reached(wire, "full"),
        threshold,
        "R-6.5-7: no notice up to the threshold",
      );
      await end.open();
      assert.deepEqual(
        (await wire.until(isTerminal)).map((e) => [isNotice(e), e.job_id, e.type]),
        [
          [true, id, "job.event"],
          [false, id, "job.result"],
        ],
        "R-6.5-7: the notice, then the end, both of the job whose end was too much",
      );
    },
  },
  {
    name: "a second notice comes only after the lag has fallen to half the threshold, and only to the lagging session",
    verifies: ["R-6.5-8"],
    needs: [...needs, feature("subscribe")],
    async play(site) {
      const threshold = site.facts.settings.backPressureThreshold;
      // Small enough that a client that acknowledges each one keeps up.
      const portion = Math.floor(threshold / 4);
      const gates = Array.from({ length: 10 }, () => site.gate());
      const wire = await site.greeted(acking);
      const { id } = await site.play(
        wire,
        gates.flatMap(({ step }, i) => [step, thoughts(portion - 1), thought(`portion ${i}`)]),
      );
      const brisk = await site.greeted(acking);
      await subscribe(brisk, id, { history: true });
      const seen: StreamEnvelope[] = [];
      const speak = async (from: number, to: number): Promise<number> => {
        for (const [i, gate] of gates.entries()) {
          if (i < from || i >= to) continue;
          await gate.open();
          await ack(site, brisk, await reached(brisk, `portion ${i}`));
          seen.push(...(await wire.until(isThought(`portion ${i}`))));
        }
        await site.settled(wire);
        return seen.filter(isNotice).length;
      };
      assert.equal(await speak(0, 5), 1, "R-6.5-8: one notice when the lag exceeds the threshold");
      await ack(site, wire, wire.lastEventSeq - 3 * portion);
      assert.equal(await speak(5, 7), 1, "R-6.5-8: none before the lag has fallen to half of it");
      await ack(site, wire, wire.lastEventSeq - Math.floor(threshold / 2));
      assert.equal(await speak(7, 10), 2, "R-6.5-8: another one after that");
      await wire.until(isTerminal);
      await brisk.until(isTerminal);
      const said = brisk.transcript.toString();
      assert.ok(!said.includes("back_pressure"), "R-6.5-8: who keeps pace is told nothing");
    },
  },
  {
    name: "an ack lower than before, or above what was issued, neither hastens nor delays the notice",
    verifies: ["R-6.5-4"],
    needs,
    async play(site) {
      const threshold = site.facts.settings.backPressureThreshold;
      const wire = await site.greeted(acking);
      const gate = site.gate();
      await site.play(wire, [thoughts(19), thought("20"), gate.step, thoughts(threshold + 20)]);
      await reached(wire, "20");
      for (const seq of [15, 3, 0, 1_000_000_000_000]) await ack(site, wire, seq);
      await gate.open();
      const notices = (await wire.until(isTerminal)).filter(isNotice);
      assert.equal(notices.length, 1, "R-6.5-4: an ack of what was never issued does not count");
      const place = notices[0]?.event_seq ?? 0;
      assert.ok(place > 15 + threshold, `R-6.5-4: a lower one does not count; it came at ${place}`);
    },
  },
];
