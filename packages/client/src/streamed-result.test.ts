import type { EventBody } from "@arcp/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  accepted,
  type Connection,
  collect,
  frame,
  result,
  ScriptedRuntime,
  subscribed,
} from "../test/scripted-runtime.ts";
import type { ConnectOptions, Job } from "./index.ts";

type Chunk = EventBody<"result_chunk">;
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  // Unhandled rejections are reported after the microtasks of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

let job: Job;
let wire: Connection;
let seq: number;
async function start(options: Partial<ConnectOptions> = {}) {
  const online = await new ScriptedRuntime().online(options);
  wire = online.wire;
  const submitting = online.client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  job = await submitting;
  seq = 0;
}
beforeEach(() => start());

const place = () => {
  seq += 1;
  return { seq, job: "job_1", jobSeq: seq };
};
const chunk = (chunk_seq: number, data: string, rest: Partial<Chunk> = {}) => {
  const body = { result_id: "res_1", chunk_seq, data, encoding: "utf8", more: true, ...rest };
  wire.send(frame("job.event", { kind: "result_chunk", ts: undefined, body }, place()));
};
const last = { more: false } as const;
const end = (result_size: number | undefined, result_id = "res_1") =>
  wire.send(
    frame("job.result", { final_status: "success", result_id, result_size } as never, place()),
  );
const base64 = (bytes: readonly number[]) => Buffer.from(bytes).toString("base64");
const violation = { name: "LocalError", code: "PROTOCOL_VIOLATION" };

test("R-8.4-7: chunks are assembled in order, even where they split a multi-byte character", async () => {
  chunk(0, "# Größe €\n");
  chunk(1, "🦊");
  chunk(2, "", last);
  end(Buffer.byteLength("# Größe €\n🦊"));
  expect(await job.text()).toBe("# Größe €\n🦊");
  expect(Buffer.from(await job.bytes()).toString()).toBe("# Größe €\n🦊");
  expect(await job.outcome()).toMatchObject({ status: "success", stream: { id: "res_1" } });
  await expect(job.result()).rejects.toMatchObject({ code: "MISUSE" });
  expect(await collect(job.events)).toHaveLength(3);
});

test("R-8.4-7: a result whose beginning the runtime no longer keeps is lost, not broken", async () => {
  const { client, wire: other } = await new ScriptedRuntime().online();
  const watching = client.subscribe("job_1", { history: true });
  wire = other;
  wire.send(subscribed(await wire.next("job.subscribe"), { truncated: true }));
  const watched = await watching;
  chunk(1, "the end", last);
  end(7);
  await expect(watched.bytes()).rejects.toMatchObject({ code: "HISTORY_LOST" });
});

test("R-8.4-7: encodings may be mixed, and base64 chunks may split a character", async () => {
  const fox = [...Buffer.from("🦊")];
  chunk(0, base64(fox.slice(0, 1)), { encoding: "base64" });
  chunk(1, base64(fox.slice(1)), { encoding: "base64" });
  chunk(2, "é", last);
  end(6);
  expect(await job.text()).toBe("🦊é");
});

test("bytes that are not text come as bytes, and as text they are refused", async () => {
  chunk(0, base64([0, 255, 128, 254]), { encoding: "base64", more: false });
  end(4);
  expect([...(await job.bytes())]).toEqual([0, 255, 128, 254]);
  await expect(job.text()).rejects.toMatchObject(violation);
});

test("a byte-order mark and an empty result stay what they are", async () => {
  chunk(0, "\uFEFFa", last);
  end(4);
  expect(await job.text()).toBe("\uFEFFa");
  await start();
  chunk(0, "", last);
  end(0);
  expect(await job.text()).toBe("");
  expect(await job.bytes()).toEqual(new Uint8Array(0));
});

test.each<[string, () => unknown]>([
  ["a missing first chunk", () => [chunk(1, "b", last), end(1)]],
  ["a gap", () => [chunk(0, "a"), chunk(2, "c", last), end(2)]],
  ["a repeated chunk", () => [chunk(0, "a"), chunk(0, "a", last), end(2)]],
  ["a missing last chunk", () => [chunk(0, "a"), end(1)]],
  ["no chunk at all", () => end(0)],
  ["a chunk after the last one", () => [chunk(0, "a", last), chunk(1, "b", last), end(2)]],
  ["a size too small", () => [chunk(0, "é", last), end(1)]],
  ["a size too large", () => [chunk(0, "é", last), end(3)]],
  ["another result's id", () => [chunk(0, "a", last), end(1, "res_2")]],
  ["mixed ids", () => [chunk(0, "a"), chunk(1, "b", { result_id: "res_2", more: false }), end(2)]],
  ["a split character", () => [chunk(0, "\uD83E"), chunk(1, "\uDD8A", last), end(6)]],
  ["broken base64", () => [chunk(0, "AA=A", { encoding: "base64", more: false }), end(2)]],
  ["base64 without padding", () => [chunk(0, "AA", { encoding: "base64", more: false }), end(1)]],
  ["base64 with a line break", () => [chunk(0, "AAA\n", { encoding: "base64", ...last }), end(2)]],
])("R-8.4-7: %s is an error, never a result", async (_, send) => {
  send();
  await expect(job.bytes()).rejects.toMatchObject(violation);
  await expect(job.text()).rejects.toMatchObject(violation);
});

test("a result whose size is not announced is assembled all the same", async () => {
  chunk(0, "ab", last);
  end(undefined);
  expect(await job.text()).toBe("ab");
});

test("R-8.4-7: memory is bounded, to the byte, before the result is complete", async () => {
  await start({ maxResultBytes: 4 });
  chunk(0, "éé");
  chunk(1, "", last);
  end(4);
  expect(await job.text()).toBe("éé");
  await start({ maxResultBytes: 4 });
  const assembling = job.bytes();
  chunk(0, "éé");
  chunk(1, "x");
  await expect(assembling).rejects.toMatchObject({ code: "MISUSE" });
});

test("R-8.4-6: the chunks of a job that failed are no result", async () => {
  chunk(0, "a", last);
  const payload = {
    final_status: "error",
    code: "INTERNAL_ERROR",
    message: "x",
    retryable: true,
  } as const;
  wire.send(frame("job.error", payload, place()));
  await expect(job.text()).rejects.toMatchObject({ name: "ArcpError", code: "INTERNAL_ERROR" });
  await expect(job.bytes()).rejects.toMatchObject({ name: "ArcpError", code: "INTERNAL_ERROR" });
});

test.each([
  ["live", {}],
  ["behind a number", { fromJobSeq: 1 }],
])("a handle that begins %s has no result that began before it", async (_how, options) => {
  const { client, wire } = await new ScriptedRuntime().online();
  const watching = client.subscribe("job_1", options);
  wire.send(subscribed(await wire.next("job.subscribe"), { last_job_seq: 1 }, "job_1"));
  const watched = await watching;
  const body = { result_id: "res_1", chunk_seq: 1, data: "b", encoding: "utf8", more: false };
  const event = { kind: "result_chunk", ts: undefined, body } as const;
  wire.send(frame("job.event", event as never, { seq: 1, job: "job_1", jobSeq: 2 }));
  await expect(watched.text()).rejects.toMatchObject({
    code: "MISUSE",
    message: "the result began before this handle's events: take them from the first",
  });
});

test("an inline result is not a stream", async () => {
  wire.send(result(1, "inline"));
  await expect(job.text()).rejects.toMatchObject({ code: "MISUSE" });
  expect(await job.result()).toBe("inline");
});

test("R-D-1: a result named output, as Go names it, is the result", async () => {
  wire.send(frame("job.result", { final_status: "success", output: 7 } as never, place()));
  expect(await job.result()).toBe(7);
});

test("a stream that waits for the next chunk can be cancelled, as by a pipe whose signal aborts", async () => {
  const stop = new AbortController();
  const piping = job.stream().pipeTo(new WritableStream(), { signal: stop.signal });
  const stream = job.stream();
  const reader = stream.getReader();
  const read = reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error("enough"));
  await expect(piping).rejects.toThrow("enough");
  await reader.cancel();
  expect(await read).toEqual({ done: true, value: undefined });
  const failed = { final_status: "error", code: "INTERNAL_ERROR", message: "x", retryable: true };
  wire.send(frame("job.error", failed as never, place()));
  await expect(job.result()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
});
