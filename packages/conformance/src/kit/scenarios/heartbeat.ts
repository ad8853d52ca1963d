import assert from "node:assert/strict";
import {
  type Envelope,
  features,
  formatTimestamp,
  REQUEST_ID_FEATURE,
  systemClock,
} from "@arcp/core";
import type { WireClient } from "../../wire/wire-client.ts";
import type { WireOptions } from "../../wire/wire-line.ts";
import { endingOf } from "../ending.ts";
import { heartbeatWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { reached, thought, thoughtsIn } from "../thought.ts";

const beating = { features: [...features, REQUEST_ID_FEATURE] };
/** A client that leaves pings unanswered. */
const mute: WireOptions = { answerPings: false };

/** Milliseconds by which clocks and timers may disagree. */
const TOLERANCE = 50;

const intervalOf = ({ facts }: Site): number => (facts.heartbeatIntervalSec ?? 0) * 1000;

const isPing = (envelope: Envelope): envelope is Envelope<"session.ping"> =>
  envelope.type === "session.ping";
const isLoss = (envelope: Envelope): envelope is Envelope<"session.error"> =>
  envelope.type === "session.error";

const pinged = ({ transcript }: WireClient): number =>
  transcript.toString().match(/^<- .*"session\.ping"/gm)?.length ?? 0;

const ack = (wire: WireClient): Promise<void> =>
  wire.send({ type: "session.ack", payload: { last_processed_seq: 0 } });

const pong = (wire: WireClient, { payload }: Envelope<"session.ping">): Promise<void> => {
  const received_at = formatTimestamp(systemClock.now());
  return wire.send({ type: "session.pong", payload: { ping_nonce: payload.nonce, received_at } });
};

/** Sends a ping and awaits its pong. */
async function ping(wire: WireClient, nonce: string, faulty = false): Promise<void> {
  const sent_at = formatTimestamp(systemClock.now());
  await wire.send({ type: "session.ping", payload: { nonce, sent_at } }, { faulty });
  await wire.notice((e) => e.type === "session.pong" && e.payload.ping_nonce === nonce);
}

export const heartbeat: readonly Scenario[] = [
  {
    name: "every ping is answered with its nonce, even without negotiated heartbeats and while a job is working",
    verifies: ["R-6.4-2"],
    async play(site) {
      const wire = await site.greeted({ features: [] });
      const gate = site.gate();
      await ping(wire, "a", true);
      await site.play(wire, [gate.step]);
      for (const nonce of ["b", "nonce ü 😀", "x".repeat(128)]) await ping(wire, nonce, true);
      await gate.open();
      await wire.until(isTerminal);
      const agreed = await site.greeted(beating);
      await ping(agreed, "c");
    },
  },
  {
    name: "a client that receives a stream and sends nothing is pinged, and not lost",
    verifies: ["R-6.4-1"],
    needs: [heartbeatWithin(10)],
    async play(site) {
      const interval = intervalOf(site);
      const wire = await site.greeted(beating);
      const times = 35;
      const steps = [{ do: "pause", ms: interval / 10 } as const, thought("still there")];
      await site.play(wire, [{ do: "repeat", times, steps }]);
      for (let i = 0; i < times; i++) await reached(wire, "still there");
      await wire.next(isTerminal);
      assert.ok(
        pinged(wire) >= 2,
        "R-6.4-1: it is pinged when nothing came from it for an interval",
      );
      await ping(wire, "alive");
    },
  },
  {
    name: "acks alone keep a session alive, and it is pinged when there is nothing else to send",
    verifies: ["R-6.4-7", "R-6.4-1"],
    needs: [heartbeatWithin(10)],
    async play(site) {
      const interval = intervalOf(site);
      const wire = await site.greeted(beating, mute);
      for (let turn = 0; turn < 12; turn++) {
        await site.pause(0.3 * interval);
        await ack(wire);
      }
      assert.ok(pinged(wire) >= 1, "R-6.4-1: the runtime sent nothing for an interval");
      const answer = await Promise.race([
        ping(wire, "alive"),
        wire.notice(isLoss).then(({ payload }) => payload.code),
      ]);
      assert.equal(answer, undefined, "R-6.4-7: any message is a sign of life");
    },
  },
  {
    name: "a silent client is told so after two intervals and not before, and the connection is closed",
    verifies: ["R-6.4-3", "R-6.4-4"],
    needs: [heartbeatWithin(10)],
    async play(site) {
      const started = systemClock.monotonic();
      const wire = await site.greeted(beating, {
        ...mute,
        timeoutMs: 10_000 + 4 * intervalOf(site),
      });
      const { payload } = await wire.notice(isLoss);
      const silent = systemClock.monotonic() - started;
      assert.equal(payload.code, "HEARTBEAT_LOST", "R-6.4-4: it is told why");
      assert.ok(
        silent >= 2 * intervalOf(site) - TOLERANCE,
        `R-6.4-3: it was given up after ${Math.round(silent)} ms`,
      );
      assert.equal(
        await endingOf(wire),
        "going-away",
        "R-6.4-4: the connection is closed with 1001",
      );
    },
  },
  {
    name: "ping and pong go both ways, then a silent client is lost, and its job, unaffected, is delivered after the resume",
    verifies: ["R-13-1", "R-6.4-5"],
    needs: [heartbeatWithin(10)],
    async play(site) {
      const patience = 10_000 + 4 * intervalOf(site);
      const wire = await site.greeted(beating, { ...mute, timeoutMs: patience });
      const gate = site.gate();
      const steps = [thought("heard"), gate.step, thought("missed")];
      await site.play(wire, [...steps, { do: "return", value: "survived" }]);
      await reached(wire, "heard");
      for (let beat = 0; beat < 2; beat++) {
        await pong(wire, await wire.notice(isPing));
        await ping(wire, `beat ${beat}`);
      }
      const { payload } = await wire.notice(isLoss);
      assert.equal(payload.code, "HEARTBEAT_LOST", "R-13-1: the loss is told");
      await endingOf(wire);
      await gate.open();
      const again = await site.resumed(wire);
      assert.equal(again.sessionId, wire.sessionId, "R-6.4-5: the session is resumable");
      const rest = await again.until(isTerminal);
      const end = rest.at(-1);
      assert.deepEqual(thoughtsIn(rest), ["missed"], "R-6.4-5: the job goes on");
      assert.equal(end?.type === "job.result" && end.payload.result, "survived");
    },
  },
  {
    name: "heartbeats take no number and are not replayed",
    verifies: ["R-6.4-6"],
    needs: [heartbeatWithin(10)],
    async play(site) {
      const wire = await site.greeted(beating, { ...mute, timeoutMs: 10_000 + intervalOf(site) });
      const gate = site.gate();
      await site.play(wire, [thought("before"), gate.step, thought("after")]);
      const before = await reached(wire, "before");
      const nonces: string[] = [];
      for (let beat = 0; beat < 3; beat++) {
        const asked = await wire.notice(isPing);
        nonces.push(asked.payload.nonce);
        await pong(wire, asked);
        await ping(wire, `beat ${beat}`);
      }
      await gate.open();
      assert.equal(await reached(wire, "after"), before + 1, "R-6.4-6: they took no number");
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: before });
      await again.until(isTerminal);
      await site.settled(again);
      const said = again.transcript.toString();
      for (const nonce of nonces) {
        assert.ok(!said.includes(nonce), "R-6.4-6: no ping of the old connection comes again");
      }
    },
  },
  {
    name: "a runtime that was blocked for three intervals does not declare a client lost that has sent something meanwhile",
    verifies: ["R-6.4-8"],
    needs: [heartbeatWithin(3)],
    alone: true,
    async play(site) {
      const interval = intervalOf(site);
      const wire = await site.greeted(beating, mute);
      const steps = [{ do: "pause", ms: 3 * interval, block: true } as const];
      await site.play(wire, [...steps, thought("free again")]);
      let held = true;
      const over = wire.next(isTerminal).finally(() => {
        held = false;
      });
      // Even if an ack fails before anybody waits for it.
      over.catch(() => {});
      while (held) {
        await ack(wire);
        await Promise.race([over, site.pause(0.3 * interval)]);
      }
      const answer = await Promise.race([
        ping(wire, "alive"),
        wire.notice(isLoss).then(({ payload }) => payload.code),
      ]);
      assert.equal(answer, undefined, "R-6.4-8: what waits to be read is read first");
    },
  },
];
