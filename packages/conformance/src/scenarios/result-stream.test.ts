import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import type { Puppet } from "../../test/puppets.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
interface Chunk {
  result_id: string;
  chunk_seq: number;
  data: string;
  encoding: "utf8" | "base64";
  more: boolean;
}

/** Reads a job to its end and checks the chunks by section 8.4. @returns their content */
async function assembled(wire: WireClient) {
  const all = await wire.until(isTerminal);
  const chunks = all.flatMap((e) =>
    e.type === "job.event" && e.payload.kind === "result_chunk"
      ? [e.payload.body as unknown as Chunk]
      : [],
  );
  const end = all.at(-1)?.payload as { result_id?: string; result_size?: number };
  expect(chunks.map(({ chunk_seq }) => chunk_seq)).toEqual(chunks.map((_, i) => i));
  expect(chunks.map(({ more }) => more)).toEqual(chunks.map((_, i) => i < chunks.length - 1));
  expect(new Set(chunks.map(({ encoding }) => encoding)).size).toBe(1);
  expect(new Set(chunks.map(({ result_id }) => result_id))).toEqual(new Set([end.result_id]));
  for (const { data, encoding } of chunks) {
    if (encoding === "utf8") expect(data.isWellFormed()).toBe(true);
    else expect(Buffer.from(data, "base64").toString("base64")).toBe(data);
    expect(Buffer.from(data, encoding).length).toBeLessThanOrEqual(512 * 1024);
  }
  const bytes = Buffer.concat(chunks.map(({ data, encoding }) => Buffer.from(data, encoding)));
  expect(end.result_size).toBe(bytes.length);
  expect(end).not.toHaveProperty("result");
  return { bytes, chunks, end };
}

const playing = async (stage: Stage, wire: WireClient): Promise<Puppet> =>
  (await stage.played(wire)).puppet;

describe.each(ways)("over %s", (way) => {
  test("R-8.4-2: a text may be split anywhere, and no chunk has half of a character", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const text = "a😀é👩‍👩‍👧\u0000€𝔘z";
    for (let first = 0; first <= text.length; first++) {
      for (const second of [first, first + 1, text.length]) {
        const puppet = await playing(stage, wire);
        for (const piece of [text.slice(0, first), text.slice(first, second), text.slice(second)]) {
          await puppet.ctx.result.write(piece);
        }
        puppet.finish();
        expect(`${(await assembled(wire)).bytes}`).toBe(text);
      }
    }
    const puppet = await playing(stage, wire);
    for (let i = 0; i < text.length; i++) await puppet.ctx.result.write(text.charAt(i));
    puppet.finish();
    expect(`${(await assembled(wire)).bytes}`).toBe(text);
  });

  test("R-8.4-2: long texts are split within the limits of a message, whatever stands at the split", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const letter of ["😀", "x😀", "\u0001", "€", "\\"]) {
      const text = letter.repeat(Math.ceil(400_000 / letter.length));
      const puppet = await playing(stage, wire);
      await puppet.ctx.result.write(text);
      puppet.finish();
      const { bytes, chunks } = await assembled(wire);
      expect(bytes.equals(Buffer.from(text))).toBe(true);
      expect(chunks.length).toBeGreaterThan(2);
    }
  });

  test("R-8.4-2: text that is not well-formed is not sent", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const wrong = [["\ude00"], ["a\ud83d", "b"], ["\ud83d\ud83d", "\ude00"], ["ok", "\ud83d"]];
    for (const pieces of wrong) {
      const puppet = await playing(stage, wire);
      const writes = pieces.map((piece) => puppet.ctx.result.write(piece));
      await Promise.allSettled(writes);
      puppet.finish();
      const all = await wire.until(isTerminal);
      expect(all.at(-1), JSON.stringify(pieces)).toMatchObject({ type: "job.error" });
      expect(wire.transcript.tail(all.length)).not.toMatch(/\\ud[89a-f]/i);
    }
  });

  test("R-8.4-1 and R-8.4-3: the stream is the result, even an empty one, and a returned value is dropped", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const piece of ["", "text", new Uint8Array(0), new Uint8Array([0, 255, 128])]) {
      const puppet = await playing(stage, wire);
      await puppet.ctx.result.write(piece);
      puppet.finish("and besides");
      const { bytes, chunks, end } = await assembled(wire);
      expect(bytes).toEqual(Buffer.from(piece as Uint8Array));
      expect(chunks.length).toBeGreaterThan(0);
      expect(end).toMatchObject({ final_status: "success" });
    }
    expect(stage.logged.filter((line) => line.includes("after streaming"))).toHaveLength(4);
  });

  test("R-8.4-1: pieces come out in the order in which they were written, awaited or not", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const puppet = await playing(stage, wire);
    const pieces = ["a".repeat(300_000), "b", "c😀".repeat(90_000), "d", "e".repeat(200_000), "f"];
    for (const piece of pieces) void puppet.ctx.result.write(piece);
    // The agent returns while its last writes are still in flight.
    puppet.finish();
    const { bytes } = await assembled(wire);
    expect(bytes.equals(Buffer.from(pieces.join("")))).toBe(true);
  });

  test("R-8.4-5: a session without the feature makes the call fail, and the job can still return", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted({ features: ["subscribe"] });
    const puppet = await playing(stage, wire);
    const failed = expect.objectContaining({ code: "INVALID_REQUEST" });
    expect(() => puppet.ctx.result.write("x")).toThrow(failed);
    puppet.finish("inline then");
    const all = await wire.until(isTerminal);
    expect(all.at(-1)?.payload).toEqual({ final_status: "success", result: "inline then" });
    expect(all).toHaveLength(2);
  });

  test("R-8.4-3: text and bytes do not mix", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const puppet = await playing(stage, wire);
    await puppet.ctx.result.write("text");
    const failed = expect.objectContaining({ code: "INVALID_REQUEST" });
    expect(() => puppet.ctx.result.write(new Uint8Array([1]))).toThrow(failed);
    puppet.finish();
    expect(`${(await assembled(wire)).bytes}`).toBe("text");
  });

  test("R-13-6: twenty megabytes arrive in order, no message above the limit, and whole even after a drop", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const data = randomBytes(20 * 1024 * 1024);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const puppet = await playing(stage, wire);
    const piece = 700_001;
    for (let at = 0; at < data.length; at += piece) {
      await puppet.ctx.result.write(data.subarray(at, at + piece));
    }
    puppet.finish();
    const { bytes } = await assembled(wire);
    expect(hash(bytes)).toBe(hash(data));
    await stage.drop(wire);
    const again = await stage.resumed(wire, { lastEventSeq: 1 });
    expect(hash((await assembled(again)).bytes)).toBe(hash(data));
  });
});
