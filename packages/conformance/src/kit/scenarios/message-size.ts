import assert from "node:assert/strict";
import { LocalError, PROTOCOL_VERSION } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { endingOf } from "../ending.ts";
import { feature, settingOfAtLeast, settingWithin } from "../need.ts";
import { hello } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";
import { outcomesOf } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";
import { thoughtsIn } from "../thought.ts";

const MIB = 1024 * 1024;
const OPENING_BYTES = 64 * 1024;
/** More than the buffers of sockets and pipes take. */
const UNREAD = { events: 800, characters: 16_000 };

export const messageSize: readonly Scenario[] = [
  {
    name: "an event too large for a message is refused to the agent, and the job continues",
    verifies: ["R-4.1-7"],
    async play(site) {
      const wire = await site.greeted();
      const all = await playedFull(wire, (text) => ({ do: "thought", text, as: "big" }));
      assert.ok(outcomesOf(all).big?.refused !== undefined, "the agent was not refused");
      const thoughts = all.filter(
        ({ type, payload }) =>
          type === "job.event" && "kind" in payload && payload.kind === "thought",
      );
      assert.equal(thoughts.length, 0, "the event was sent all the same");
    },
  },
  {
    name: "a result too large for a message ends its job with INTERNAL_ERROR and the advice to stream it",
    verifies: ["R-4.1-7"],
    async play(site) {
      const wire = await site.greeted();
      const all = await playedFull(wire, (value) => ({ do: "return", value }));
      const end = all.at(-1);
      assert.equal(end?.type, "job.error");
      const { code, message = "" } = end.payload as { code?: string; message?: string };
      assert.equal(code, "INTERNAL_ERROR");
      assert.match(message, /stream/i);
      await site.played(wire, []);
    },
  },
  ...(
    [
      ["bytes", { do: "stream-bytes", bytes: 5 * MIB }, 5 * MIB],
      ["text of three bytes a character", { do: "stream", text: "€".repeat(340_000) }, 1_020_000],
      ["text that JSON has to escape", { do: "stream", text: "\u0001".repeat(170_000) }, 170_000],
    ] as const
  ).map(
    ([what, step, size]): Scenario => ({
      name: `a streamed result of ${what} comes in messages of at most 1 MiB`,
      verifies: ["R-4.1-7"],
      needs: [feature("result_chunk"), settingOfAtLeast("resultBytes", 5 * MIB)],
      async play(site) {
        const wire = await site.greeted();
        const all = await site.played(wire, [step]);
        const end = all.at(-1)?.payload;
        assert.equal(end !== undefined && "result_size" in end && end.result_size, size);
      },
    }),
  ),
  {
    name: "an opening message above 64 KiB is not welcomed, and one below is",
    verifies: ["R-4.1-8"],
    async play(site) {
      const long = (bytes: number) =>
        JSON.stringify(hello(site.tokens.first, { zzz: "z".repeat(bytes) }));
      const wire = await site.wire();
      await wire.send(long(OPENING_BYTES), { faulty: true });
      assert.notEqual(await endingOf(wire), "still open");
      assert.ok(!wire.transcript.toString().includes("session.welcome"), "it was welcomed");
      const other = await site.wire();
      await other.send(long(OPENING_BYTES - 2000));
      await other.notice(({ type }) => type === "session.welcome");
    },
  },
  {
    name: "a client that does not say hello in time is disconnected, and one that does is not",
    verifies: ["R-4.1-8"],
    needs: [settingWithin("openingDeadlineSec", 15)],
    async play(site) {
      const greeted = await site.greeted();
      const silent = await site.wire();
      const ms = (site.facts.settings.openingDeadlineSec + 10) * 1000;
      assert.notEqual(await endingOf(silent, ms), "still open");
      await site.settled(greeted);
    },
  },
  {
    name: "a client that does not read gets everything once it reads, or is cut off and gets it after a resume",
    verifies: ["R-4.1-10"],
    needs: [settingOfAtLeast("logRecords", UNREAD.events + 1)],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-8.3-1", "R-6.3-8"] });
      const other = await site.greeted();
      site.lineOf(wire).stall();
      const text = "z".repeat(UNREAD.characters);
      const said = site.gate();
      const id = "req_unread";
      const steps = [
        { do: "repeat", times: UNREAD.events, steps: [{ do: "thought", text }] },
        said.step,
      ];
      const payload = { agent: "conformance.script", input: { steps } };
      await wire.send({ type: "job.submit", id, payload });
      await site.settled(other);
      await site.played(other, [{ do: "thought", text: "not held up" }]);
      await said.open();
      await site.settled(other);
      site.lineOf(wire).release();
      let reader = wire;
      let seen = 0;
      let told = 0;
      for (;;) {
        const envelope = await reader.next().catch((error: unknown) => {
          if (error instanceof LocalError && error.code === "TRANSPORT_CLOSED") return undefined;
          throw error;
        });
        if (envelope === undefined) {
          reader = await site.resumed(reader, { lastEventSeq: seen });
          continue;
        }
        assert.equal(envelope.event_seq, seen + 1, "R-4.1-10: a single envelope was dropped");
        seen += 1;
        told += thoughtsIn([envelope]).length;
        if (isTerminal(envelope)) break;
      }
      assert.equal(told, UNREAD.events);
    },
  },
];

/** Plays one step with a text that makes the submit as long as a message may be, so that no reply can hold it. */
async function playedFull(
  wire: WireClient,
  stepOf: (text: string) => Step,
): Promise<StreamEnvelope[]> {
  const id = "req_full";
  const message = (text: string) => ({
    arcp: PROTOCOL_VERSION,
    id,
    type: "job.submit",
    session_id: wire.sessionId,
    payload: { agent: "conformance.script", input: { steps: [stepOf(text)] } },
  });
  const room = MIB - JSON.stringify(message("")).length;
  await wire.send(JSON.stringify(message("z".repeat(room))));
  await wire.reply("job.submit", id);
  return wire.until(isTerminal);
}
