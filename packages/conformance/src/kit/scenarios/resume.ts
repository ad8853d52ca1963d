import assert from "node:assert/strict";
import type { ResumeForm } from "../../wire/opening-request.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { cancel, subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { isThought, reached, thought, thoughts, thoughtsIn } from "../thought.ts";

export const resumeForms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];

/** The index of the runtime's first frame with this text; -1 if there is none. */
const place = (wire: WireClient, text: string): number =>
  wire.transcript
    .toString()
    .split("\n")
    .findIndex((line) => line.startsWith("<-") && line.includes(text));

export const resume: readonly Scenario[] = [
  ...resumeForms.map(
    (form): Scenario => ({
      name: `as ${form}: what was missed comes after the welcome, then live events and the end`,
      verifies: ["R-6.3-1", "R-6.3-6", "R-6.3-8", "R-6.3-12", "R-6.3-13"],
      async play(site) {
        const wire = await site.greeted();
        const [away, back] = [site.gate(), site.gate()];
        const { id } = await site.play(wire, [
          thought("seen"),
          away.step,
          thought("missed"),
          back.step,
          thought("live"),
          { do: "return", value: 42 },
        ]);
        const last = await reached(wire, "seen");
        await site.drop(wire);
        await away.open();
        const again = await site.resumed(wire, { form });
        // A runtime that does not know the form sees an ordinary hello.
        const rule = form === "resume" ? "R-6.3-6" : "R-6.3-1";
        assert.equal(again.sessionId, wire.sessionId, `${rule}: the welcome names the old session`);
        const { resume_token } = again.welcome.payload;
        assert.notEqual(resume_token, wire.welcome.payload.resume_token, "R-6.3-6: a new token");
        const missed = await again.next();
        assert.equal(missed.event_seq, last + 1, "R-6.3-8: the replay begins behind what was seen");
        assert.deepEqual(thoughtsIn([missed]), ["missed"]);
        await back.open();
        const rest = await again.until(isTerminal);
        assert.deepEqual(
          rest.map(({ event_seq, job_id, type }) => [event_seq, job_id, type]),
          [
            [last + 2, id, "job.event"],
            [last + 3, id, "job.result"],
          ],
          "R-6.3-13: what happens next reaches the new connection",
        );
      },
    }),
  ),
  {
    name: "a client that missed nothing resumes with an empty replay, and continues with the next number",
    verifies: ["R-6.3-9"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step, thought("next")]);
      const last = await reached(wire, "seen");
      await site.drop(wire);
      const again = await site.resumed(wire);
      await site.settled(again);
      assert.equal(place(again, '"event_seq"'), -1, "R-6.3-9: there was nothing to replay");
      await gate.open();
      assert.equal((await again.next()).event_seq, last + 1);
      await again.until(isTerminal);
      await site.drop(again);
      // Now that its job has ended as well.
      const third = await site.resumed(again);
      await site.settled(third);
      assert.equal(place(third, '"event_seq"'), -1, "R-6.3-9: there was nothing to replay");
      await site.played(third, []);
    },
  },
  {
    name: "acceptances of jobs whose envelopes were not seen yet come again between welcome and replay, and no others",
    verifies: ["R-6.3-8", "R-6.3-6"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const known = await site.play(wire, [thought("known"), gate.step]);
      const seen = await reached(wire, "known");
      const unseen = await site.play(wire, [thought("unseen"), gate.step]);
      await reached(wire, "unseen");
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: seen });
      const repeated = await again.notice(({ type }) => type === "job.accepted");
      assert.deepEqual(
        repeated.payload,
        unseen.accepted.payload,
        "R-6.3-8: the acceptance comes as it was",
      );
      await reached(again, "unseen");
      const acceptance = place(again, '"type":"job.accepted"');
      const replay = place(again, '"event_seq"');
      assert.ok(acceptance < replay, "R-6.3-8: the acceptance comes before the replay");
      const needless = place(again, `"request_id":"${known.accepted.payload.request_id}"`);
      assert.equal(needless, -1, "R-6.3-8: an acceptance that was seen to work is not repeated");
    },
  },
  {
    name: "the acceptance of a child whose envelopes were not seen yet comes again as well",
    verifies: ["R-6.3-8"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const lease_request = { "agent.delegate": ["conformance.script"] };
      const { gate: name } = gate.step;
      const input = {
        steps: [
          { do: "thought", text: "child" },
          { do: "await", gate: name },
        ],
      };
      const { id } = await site.play(
        wire,
        [{ do: "delegate", agent: "conformance.script", input, id: "d-1" }, gate.step],
        { lease_request },
      );
      const told = await wire.notice((e) => e.type === "job.accepted" && e.job_id !== id);
      await reached(wire, "child");
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: 0 });
      const repeated = await again.notice((e) => e.type === "job.accepted" && e.job_id !== id);
      assert.deepEqual(repeated.payload, told.payload, "R-6.3-8: the child is introduced again");
    },
  },
  {
    name: "a replay has the same content wherever it starts, however often it is requested",
    verifies: ["R-6.3-8"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thoughts(40), thought("last"), gate.step]);
      const all = await wire.until(isThought("last"));
      let last = wire;
      for (const lastEventSeq of [0, 1, 17, all.length - 1, 17]) {
        await site.drop(last);
        last = await site.resumed(last, { lastEventSeq });
        assert.deepEqual(
          await last.until(isThought("last")),
          all.slice(lastEventSeq),
          `R-6.3-8: the replay behind ${lastEventSeq}`,
        );
      }
    },
  },
  {
    name: "what a subscription missed is replayed, and it continues",
    verifies: ["R-6.3-14"],
    needs: [feature("subscribe")],
    async play(site) {
      const owner = await site.greeted();
      const [away, back] = [site.gate(), site.gate()];
      const steps = [thought("seen"), away.step, thought("missed"), back.step, thought("live")];
      const { id } = await site.play(owner, steps);
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      await reached(watcher, "seen");
      await site.drop(watcher);
      await away.open();
      const again = await site.resumed(watcher);
      assert.deepEqual(thoughtsIn(await again.until(isThought("missed"))), ["missed"]);
      await back.open();
      assert.deepEqual(thoughtsIn(await again.until(isTerminal)), ["live"]);
    },
  },
  {
    name: "a resumed session may still cancel its job",
    verifies: ["R-6.3-13"],
    async play(site) {
      const wire = await site.greeted();
      const { id } = await site.play(wire, [thought("runs"), site.gate().step]);
      await reached(wire, "runs");
      await site.drop(wire);
      const again = await site.resumed(wire);
      await cancel(again, id);
      const end = await again.next(isTerminal);
      assert.equal(end.type === "job.error" && end.payload.code, "CANCELLED");
    },
  },
  ...(["resume", "nested"] as const).map(
    (form): Scenario => ({
      name: `as ${form}: the features remain those of the first welcome, whatever the resume lists`,
      verifies: ["R-6.3-16"],
      needs: [feature("progress"), feature("subscribe")],
      async play(site) {
        const features = ["subscribe"];
        const wire = await site.greeted({ features });
        const [away, back] = [site.gate(), site.gate()];
        const progress = { do: "progress", current: 1 } as const;
        await site.play(wire, [thought("seen"), away.step, progress, back.step, progress]);
        await reached(wire, "seen");
        await site.drop(wire);
        await away.open();
        const again = await site.resumed(wire, { form, features: ["progress"] });
        assert.deepEqual(
          again.welcome.payload.capabilities.features,
          features,
          "R-6.3-16: the new welcome repeats the features of the first",
        );
        await back.open();
        const rest = await again.until(isTerminal);
        assert.equal(rest.length, 1, "R-6.3-16: what the session has no feature for is left out");
      },
    }),
  ),
  {
    name: "a position that was never issued is refused, on a connection that is then closed",
    verifies: ["R-6.3-10"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step]);
      await reached(wire, "seen");
      await site.drop(wire);
      for (const lastEventSeq of [wire.lastEventSeq + 1, Number.MAX_SAFE_INTEGER]) {
        await refusedWith(
          site.resumed(wire, { lastEventSeq }),
          "RESUME_WINDOW_EXPIRED",
          `R-6.3-10: ${lastEventSeq} was never issued`,
        );
      }
      const again = await site.resumed(wire);
      await gate.open();
      await again.until(isTerminal);
    },
  },
];
