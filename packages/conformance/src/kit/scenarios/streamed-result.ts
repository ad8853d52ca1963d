import assert from "node:assert/strict";
import type { PlainStep, Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { feature, settingOfAtLeast, settingWithin } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf } from "../script-outcome.ts";
import { isTerminal, type Site } from "../site.ts";

const MIB = 1024 * 1024;
const chunks = feature("result_chunk");

interface Chunk {
  readonly result_id: string;
  readonly chunk_seq: number;
  readonly data: string;
  readonly encoding: "utf8" | "base64";
  readonly more: boolean;
}

/** Runs a script and checks the chunks of its result. @returns its bytes */
async function streamed(site: Site, wire: WireClient, steps: readonly Step[]): Promise<Buffer> {
  const { id } = await site.play(wire, steps);
  return assembled(await ended(wire, id));
}

/** Reads a job to its end. Each of its envelopes may take as long as a wait may. */
async function ended(wire: WireClient, id: string): Promise<StreamEnvelope[]> {
  const all: StreamEnvelope[] = [];
  for (;;) {
    const envelope = await wire.next(({ job_id }) => job_id === id);
    all.push(envelope);
    if (isTerminal(envelope)) return all;
  }
}

function assembled(all: readonly StreamEnvelope[]): Buffer {
  const parts = bodiesOf(all, "result_chunk") as unknown as readonly Chunk[];
  const end = endOf(all);
  assert.equal(end.final_status, "success", `the job ended as ${end.code}: ${end.message}`);
  assert.deepEqual(
    parts.map(({ chunk_seq }) => chunk_seq),
    parts.map((_, n) => n),
    "R-8.4-1: chunk_seq counts from 0",
  );
  assert.deepEqual(
    parts.map(({ more }) => more),
    parts.map((_, n) => n < parts.length - 1),
    "R-8.4-1: only the last chunk has more: false",
  );
  const pieces = parts.map(({ data, encoding }) => {
    if (encoding === "utf8") {
      assert.ok(data.isWellFormed(), "R-8.4-2: a chunk has half of a character");
    } else {
      const again = Buffer.from(data, "base64").toString("base64");
      assert.equal(again, data, "R-8.4-1: a chunk is decodable alone");
    }
    return Buffer.from(data, encoding);
  });
  const bytes = Buffer.concat(pieces);
  const ids = new Set(parts.map(({ result_id }) => result_id));
  assert.deepEqual([...ids], [end.result_id], "R-8.4-3: the result names the stream");
  assert.equal(end.result_size, bytes.length, "R-8.4-3: result_size is that of the chunks");
  assert.ok(!("result" in end), "R-8.4-3: an inline result stands beside the stream");
  return bytes;
}

export const streamedResult: readonly Scenario[] = [
  {
    name: "a result, even an empty one, comes in ordered chunks, and is what was written",
    verifies: ["R-8.4-1", "R-8.4-3"],
    needs: [chunks],
    async play(site) {
      const wire = await site.greeted();
      const texts = [["one"], ["one", "two", "three"], ["a".repeat(400_000), "b"], ["", "x"]];
      for (const pieces of texts) {
        const steps = pieces.map((text) => ({ do: "stream", text }) as const);
        assert.equal(`${await streamed(site, wire, steps)}`, pieces.join(""));
      }
      assert.equal((await streamed(site, wire, [{ do: "stream", text: "" }])).length, 0);
      assert.equal((await streamed(site, wire, [{ do: "stream-bytes", bytes: 0 }])).length, 0);
      const bytes = await streamed(site, wire, [{ do: "stream-bytes", bytes: 1_000_001 }]);
      assert.equal(bytes.length, 1_000_001);
    },
  },
  {
    name: "no chunk contains half a character, wherever the text is split",
    verifies: ["R-8.4-2", "R-8.4-3"],
    needs: [chunks],
    async play(site) {
      const wire = await site.greeted();
      const text = "a😀é👩‍👩‍👧€𝔘z";
      const letters: Step[] = [...text].map((letter) => ({ do: "stream", text: letter }));
      assert.equal(`${await streamed(site, wire, letters)}`, text);
      // Longer than any chunk may be, so that the runtime must split it itself, between and within surrogate pairs.
      for (const long of ["😀".repeat(200_000), `x${"😀".repeat(200_000)}`]) {
        const bytes = await streamed(site, wire, [{ do: "stream", text: long }]);
        assert.ok(bytes.equals(Buffer.from(long)), "the text has changed");
      }
    },
  },
  {
    name: "a value that is returned in addition to a stream is dropped",
    verifies: ["R-8.4-3"],
    needs: [chunks],
    async play(site) {
      const wire = await site.greeted();
      const steps: Step[] = [
        { do: "stream", text: "the ström" },
        { do: "return", value: "and besides" },
      ];
      assert.equal(`${await streamed(site, wire, steps)}`, "the ström");
    },
  },
  {
    name: "a result longer than the limit ends the job with INTERNAL_ERROR",
    verifies: ["R-8.4-4"],
    needs: [chunks, settingWithin("resultBytes", 64 * MIB)],
    // That much data delays others that wait for the same store.
    alone: true,
    async play(site) {
      const gone = await site.greeted();
      const times = Math.floor(site.facts.settings.resultBytes / (256 * 1024)) + 1;
      // An agent that ignores the refusal, and does not stop for it.
      const piece: PlainStep = { do: "stream-bytes", bytes: 256 * 1024, as: "piece" };
      const [gate, stuck] = [site.gate(), site.gate()];
      const { id } = await site.play(gone, [
        gate.step,
        { do: "repeat", times, steps: [piece] },
        { ...stuck.step, stubborn: true },
      ]);
      // For that, nobody needs to be sent the chunks.
      const wire = await site.greeted({ features: ["subscribe"] });
      await subscribe(wire, id);
      await site.drop(gone);
      await gate.open();
      const end = endOf(await ended(wire, id));
      assert.deepEqual([end.final_status, end.code], ["error", "INTERNAL_ERROR"]);
      await stuck.open();
    },
  },
  {
    name: "in a session without the feature a stream fails inside the agent, or its result comes inline",
    verifies: ["R-8.4-5"],
    async play(site) {
      const wire = await site.greeted({ features: ["subscribe"] });
      const all = await site.played(wire, [
        { do: "stream", text: "a ", as: "a" },
        { do: "stream", text: "stream", as: "b" },
      ]);
      const end = endOf(all);
      assert.deepEqual(bodiesOf(all, "result_chunk"), []);
      if (end.result === "a stream") return;
      assert.notEqual(answersOf(all).a, "allowed", "the stream went nowhere");
    },
  },
  {
    name: "twenty megabytes arrive in order, and the result states how many bytes they are",
    verifies: ["R-13-6"],
    needs: [chunks, settingOfAtLeast("resultBytes", 20 * MIB)],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const piece: PlainStep = { do: "stream-bytes", bytes: 700_001 };
      const bytes = await streamed(site, wire, [{ do: "repeat", times: 29, steps: [piece] }]);
      assert.equal(bytes.length, 29 * 700_001);
      assert.ok(
        bytes.every((byte) => byte === bytes[0]),
        "other bytes than were written",
      );
    },
  },
];
