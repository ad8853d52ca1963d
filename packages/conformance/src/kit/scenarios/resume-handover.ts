import assert from "node:assert/strict";
import type { Envelope } from "@arcp/core";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { endingOf } from "../ending.ts";
import { subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought, thoughts } from "../thought.ts";

/** Characters of an event of which a few fill the buffers of a connection. */
const BULK = 60_000;

const isOpeningAnswer = ({ type }: Envelope): boolean =>
  type === "session.welcome" || type === "session.error";

const positionOf = ({ welcome, lastEventSeq }: WireClient) => ({
  resume_token: welcome.payload.resume_token,
  last_event_seq: lastEventSeq,
});

export const resumeHandover: readonly Scenario[] = [
  {
    name: "a resume while the old connection is alive closes that with code 1008, and nothing more comes from it or goes to it",
    verifies: ["R-6.3-15"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [
        thought("both"),
        gate.step,
        { do: "return", value: "not cancelled" },
      ]);
      await reached(wire, "both");
      const before = wire.transcript.toString().length;
      const again = await site.resumed(wire);
      await wire.send({ type: "job.cancel", job_id: id, payload: { job_id: id } }).catch(() => {});
      assert.equal(await endingOf(wire), "refused", "R-6.3-15: it is closed with code 1008");
      await gate.open();
      const end = (await again.until(isTerminal)).at(-1);
      assert.equal(end?.type, "job.result", "R-6.3-15: the old connection cannot cancel any more");
      const late = wire.transcript
        .toString()
        .slice(before)
        .split("\n")
        .filter((line) => line.startsWith("<-"));
      assert.deepEqual(late, [], "R-6.3-15: nothing more is sent on it");
    },
  },
  {
    name: "a resume gets through while the old connection is stuck on a client that does not read",
    verifies: ["R-6.3-15"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [thought("seen"), gate.step, thoughts(150, BULK)]);
      const seen = await reached(wire, "seen");
      site.lineOf(wire).stall();
      await gate.open();
      const again = await site.resumed(wire, { lastEventSeq: seen });
      const rest = await again.until(isTerminal);
      assert.equal(rest.length, 151, "R-6.3-15: all of it comes on the new connection");
    },
  },
  {
    name: "five resumes in a row in the middle of a flood lose and repeat nothing",
    verifies: ["R-6.3-8", "R-6.3-12", "R-6.3-15"],
    async play(site) {
      let wire = await site.greeted();
      // It is not over before all of it was read; otherwise a runtime that is short of memory might forget it meanwhile.
      const end = site.gate();
      const { id } = await site.play(wire, [thoughts(1000), end.step]);
      const got: StreamEnvelope[] = [];
      for (let round = 1; round <= 5; round++) {
        got.push(...(await wire.until(({ event_seq = 0 }) => event_seq >= round * 150)));
        if (round % 2 === 0) await site.drop(wire);
        // What has arrived beyond this is lost with its client.
        wire = await site.resumed(wire, { lastEventSeq: got.length });
      }
      await end.open();
      got.push(...(await wire.until(isTerminal)));
      assert.deepEqual(
        got.map(({ event_seq }) => event_seq),
        got.map((_, index) => index + 1),
        "R-6.3-8: the numbers of all connections together have no gap",
      );
      assert.ok(got.every(({ job_id }) => job_id === id));
      assert.ok(got.length > 1000, "R-6.3-12: nothing of what the agent said is missing");
    },
  },
  {
    name: "a resume on a fresh session replaces that session, which is then gone",
    verifies: ["R-6.3-3"],
    async play(site) {
      const old = await site.greeted();
      await site.drop(old);
      const wire = await site.greeted();
      const fresh = wire.welcome;
      await wire.send({ type: "session.resume", payload: positionOf(old) });
      const welcome = await wire.notice(isOpeningAnswer);
      assert.equal(welcome.type, "session.welcome", "R-6.3-3: the session may be resumed");
      assert.equal(welcome.session_id, old.sessionId, "R-6.3-3: the connection moves");
      await site.played(wire, []);
      // A client that presents the token of the session that was left finds nothing.
      const late = await site.wire();
      const auth = { scheme: "bearer", token: site.tokens.first };
      const { resume_token } = fresh.payload;
      await late.send({
        type: "session.resume",
        payload: { resume_token, session_id: fresh.session_id, last_event_seq: 0, auth },
      });
      const answer = await late.notice(isOpeningAnswer);
      assert.equal(
        answer.type === "session.error" && answer.payload.code,
        "RESUME_WINDOW_EXPIRED",
        "R-6.3-3: the fresh session is discarded",
      );
    },
  },
  {
    name: "a session that has a job is not replaced by another one",
    verifies: ["R-6.3-3", "R-6.2-9"],
    async play(site) {
      const old = await site.greeted();
      await site.drop(old);
      const busy = await site.greeted();
      const gate = site.gate();
      await site.play(busy, [gate.step]);
      await busy.send({ type: "session.resume", payload: positionOf(old) }, { faulty: true });
      const answer = await busy.notice(isOpeningAnswer);
      assert.equal(
        answer.type === "session.error" && answer.payload.code,
        "INVALID_REQUEST",
        "R-6.3-3: a session with a job is not left",
      );
      await gate.open();
      await busy.until(isTerminal);
      await site.resumed(old);
    },
  },
  {
    name: "a session that has a subscription is not replaced by another one",
    verifies: ["R-6.3-3"],
    needs: [feature("subscribe")],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [gate.step]);
      const old = await site.greeted();
      await site.drop(old);
      const busy = await site.greeted();
      await subscribe(busy, id);
      await busy.send({ type: "session.resume", payload: positionOf(old) }, { faulty: true });
      const answer = await busy.notice(isOpeningAnswer);
      assert.equal(answer.type, "session.error", "R-6.3-3: its subscription would be lost");
      await gate.open();
      await busy.until(isTerminal);
    },
  },
];
