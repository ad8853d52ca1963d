import { linkedPair } from "@arcp/core";
import { expect, test } from "vitest";
import {
  differenceFaults,
  handingFaults,
  sequenceFaults,
  type View,
  Witness,
} from "./sequence-check.ts";

const event = (seq: number, text = `event ${seq}`) =>
  JSON.stringify({
    arcp: "1.1",
    id: `msg_${seq}`,
    type: "job.event",
    session_id: "sess_1",
    event_seq: seq,
    job_seq: seq,
    payload: { kind: "thought", ts: `2026-01-01T00:00:00.${100 + seq}Z`, body: { text } },
  });
const end = (seq: number) =>
  JSON.stringify({
    arcp: "1.1",
    id: `msg_${seq}`,
    type: "job.result",
    session_id: "sess_1",
    event_seq: seq,
    job_seq: seq,
    payload: { final_status: "success" },
  });
const welcome = JSON.stringify({ arcp: "1.1", id: "m", type: "session.welcome", payload: {} });

/** Lets a witness watch these frames, connection by connection. */
async function witnessed(...connections: string[][]): Promise<Witness> {
  const witness = new Witness("alice");
  for (const frames of connections) {
    const { client, runtime } = linkedPair();
    const watched = await witness.watch(async () => client)(new AbortController().signal);
    await runtime.send(frames);
    runtime.close();
    const passed: string[] = [];
    for await (const frame of watched.frames) passed.push(frame);
    expect(passed).toEqual(frames);
  }
  return witness;
}

async function seen(...connections: string[][]): Promise<View> {
  const sightings = (await witnessed(...connections)).sightings();
  const handed = sightings
    .flat()
    .filter(({ content }) => content["type"] === "job.event")
    .map(({ seq, jobSeq }) => ({ seq: Number(seq), jobSeq: Number(jobSeq) }));
  return { name: "alice", connections: sightings, handed };
}

test("R-8.3-1: numbers that go on across a resume have no fault", async () => {
  const view = await seen([welcome, event(1), event(2)], [welcome], [welcome, event(3), end(4)]);
  expect(sequenceFaults(view)).toEqual([]);
  expect(handingFaults(view)).toEqual([]);
});

test("a repeated frame is found, in one connection and across the resume", async () => {
  expect(sequenceFaults(await seen([event(1), event(1), end(2)]))).toEqual([
    "alice, connection 1: event_seq 1 came again",
  ]);
  expect(sequenceFaults(await seen([event(1), event(2)], [event(2), end(3)]))).toEqual([
    "alice, connection 2: event_seq 2 came again",
  ]);
});

test("a missing frame is found, at the start, in between, at the resume", async () => {
  expect(sequenceFaults(await seen([event(2), end(3)]))).toHaveLength(1);
  expect(sequenceFaults(await seen([event(1), event(3), end(4)]))).toHaveLength(1);
  expect(sequenceFaults(await seen([event(1), event(2)], [event(4), end(5)]))).toEqual([
    "alice, connection 2: event_seq 4 came where 3 was due",
  ]);
});

test("reordered frames are found", async () => {
  expect(sequenceFaults(await seen([event(1), event(3), event(2), end(4)]))).not.toEqual([]);
});

test("a stream without an end, or with something after it, is found", async () => {
  expect(sequenceFaults(await seen([event(1), event(2)]))).toHaveLength(1);
  expect(sequenceFaults(await seen([event(1), end(2), event(3)]))).toHaveLength(1);
  expect(sequenceFaults(await seen([event(1), end(2), end(3)]))).toHaveLength(1);
  expect(sequenceFaults(await seen([]))).toHaveLength(1);
});

test("an event without a number is found", async () => {
  const { event_seq: _, ...bare } = JSON.parse(event(2));
  expect(sequenceFaults(await seen([event(1), JSON.stringify(bare), end(2)]))).toHaveLength(1);
});

test("an event that the client did not pass on, or passed on twice, is found", async () => {
  const view = await seen([event(1), event(2), end(3)]);
  const [first, second] = view.handed;
  expect(handingFaults({ ...view, handed: view.handed.slice(1) })).toHaveLength(1);
  expect(handingFaults({ ...view, handed: [first!, first!] })).toHaveLength(1);
  expect(handingFaults({ ...view, handed: [second!, first!] })).toHaveLength(1);
});

test("two views of the same events differ only in session and numbers", async () => {
  const shifted = [event(1), end(2)].map((frame) => {
    const { event_seq, ...rest } = JSON.parse(frame);
    return JSON.stringify({ ...rest, session_id: "sess_2", event_seq: event_seq + 10 });
  });
  expect(differenceFaults(await seen([event(1), end(2)]), await seen(shifted))).toEqual([]);
});

test("an event that only one viewer saw, or that differs, is found on either side", async () => {
  const full = await seen([event(1), event(2), end(3)]);
  const less = await seen([event(1), end(3)]);
  const other = await seen([event(1), event(2, "something else"), end(3)]);
  expect(differenceFaults(full, less)).toHaveLength(1);
  expect(differenceFaults(less, full)).toHaveLength(1);
  expect(differenceFaults(full, other)).toHaveLength(1);
});

test("an event emitted between two moments counts as missed if it came over a later connection", async () => {
  const witness = await witnessed([event(1), event(2)], [event(3), event(4), event(5), end(6)]);
  const start = Date.parse("2026-01-01T00:00:00.100Z");
  expect(witness.missedBetween(start + 1, start + 5)).toBe(2);
  expect(witness.missedBetween(start + 3, start + 4)).toBe(1);
  expect((await witnessed([event(1), end(2)])).missedBetween(start, start + 9)).toBe(0);
});
