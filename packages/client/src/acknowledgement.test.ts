import { ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { accepted, event, FEATURES, result, ScriptedRuntime } from "../test/scripted-runtime.ts";
import { Acknowledgement } from "./acknowledgement.ts";

function acking(position = 0, isResumed = false) {
  const clock = new ManualClock();
  const said: number[] = [];
  const acks = new Acknowledgement(clock, position, isResumed, (seq) => said.push(seq) > 0);
  return { clock, said, acks };
}

test("R-6.5-6: a slow stream is acknowledged once in 250 ms, and an idle one not at all", () => {
  const { clock, said, acks } = acking();
  clock.advance(10_000);
  expect(said).toEqual([]);
  for (let seq = 1; seq <= 5; seq++) {
    acks.handled(seq);
    clock.advance(60);
  }
  expect(said).toEqual([5]);
  clock.advance(10_000);
  expect(said).toEqual([5]);
  expect(clock.pending).toBe(0);
  acks.handled(6);
  clock.advance(249);
  expect(said).toEqual([5]);
  clock.advance(1);
  expect(said).toEqual([5, 6]);
});

test("R-6.5-6: a fast stream is acknowledged after 32 envelopes, and its rest after the interval", () => {
  const { clock, said, acks } = acking();
  for (let seq = 1; seq <= 31; seq++) acks.handled(seq);
  clock.advance(0);
  expect(said).toEqual([]);
  acks.handled(32);
  clock.advance(0);
  expect(said).toEqual([32]);
  acks.handled(33);
  clock.advance(249);
  expect(said).toEqual([32]);
  clock.advance(1);
  expect(said).toEqual([32, 33]);
});

test("R-6.5-6: however many envelopes come at once, one ack follows", () => {
  const { clock, said, acks } = acking();
  for (let seq = 1; seq <= 500; seq++) acks.handled(seq);
  expect(said).toEqual([]);
  expect(clock.pending).toBe(1);
  clock.advance(0);
  expect(said).toEqual([500]);
  clock.advance(10_000);
  expect(said).toEqual([500]);
});

test("R-6.5-6: a new connection repeats an ack that the last one may have lost", () => {
  const { clock, said, acks } = acking(40, true);
  acks.goOn();
  expect(said).toEqual([40]);
  clock.advance(10_000);
  acks.goOn();
  expect(said).toEqual([40]);
});

test("R-6.5-6: one that has handled more before it may send repeats nothing", () => {
  const { clock, said, acks } = acking(40, true);
  acks.handled(41);
  acks.goOn();
  clock.advance(10_000);
  expect(said).toEqual([41]);
});

test("R-6.5-6: an ack for which there was no room is sent once there is, and none besides", () => {
  const clock = new ManualClock();
  const said: number[] = [];
  let hasRoom = false;
  const acks = new Acknowledgement(clock, 0, false, (seq) => hasRoom && said.push(seq) > 0);
  acks.handled(1);
  clock.advance(250);
  hasRoom = true;
  acks.goOn();
  expect(said).toEqual([1]);
  acks.goOn();
  expect(said).toEqual([1]);
});

test("R-6.5-6: a connection that has ended sends no more acks", () => {
  const { clock, said, acks } = acking();
  acks.handled(1);
  acks.stop();
  clock.advance(1_000);
  expect(said).toEqual([]);
  expect(clock.pending).toBe(0);
});

const ACKING = ["ack", ...FEATURES];

test("R-6.5-6: an ack comes after its envelopes reached their handles, under the session's id", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, ACKING);
  const submitting = client.submit("echo", null);
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of job.events) if (event.jobSeq !== undefined) seen.push(event.jobSeq);
  })();
  wire.send(...Array.from({ length: 31 }, (_, i) => event(i + 1)));
  await wire.barrier();
  runtime.clock.advance(0);
  wire.send(event(32), event(33));
  await wire.barrier();
  runtime.clock.advance(0);
  const ack = await wire.next("session.ack");
  expect(ack).toMatchObject({
    session_id: client.session.id,
    payload: { last_processed_seq: 33 },
  });
  expect(seen).toHaveLength(33);
  wire.send(event(34));
  await wire.barrier();
  runtime.clock.advance(250);
  expect((await wire.next("session.ack")).payload.last_processed_seq).toBe(34);
  wire.send(result(35, null));
  await reading;
});

test("R-6.3-7 R-6.5-6: after a resume the position is acknowledged at once, and a repeated envelope is not", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, ACKING);
  wire.send(event(1), event(2));
  await wire.barrier();
  wire.pair.sever();
  await runtime.pass(client);
  const again = await runtime.accept();
  expect((await again.next("session.resume")).payload.last_event_seq).toBe(2);
  again.welcome("rt_2", ACKING);
  expect((await again.next("session.ack")).payload.last_processed_seq).toBe(2);
  again.send(event(1), event(2));
  await again.barrier();
  runtime.clock.advance(10_000);
  await again.barrier();
});

test.each([
  ["", {}],
  [", even if the session is persisted", { persist: () => {} }],
])("R-6.2-2: without the feature nothing is acknowledged%s", async (_, options) => {
  const runtime = new ScriptedRuntime();
  const { wire } = await runtime.online(options, FEATURES);
  wire.send(...Array.from({ length: 40 }, (_, i) => event(i + 1)));
  await wire.barrier();
  runtime.clock.advance(1_000);
  // By then, the session has been persisted.
  await new Promise((resolve) => setImmediate(resolve));
  await wire.barrier();
});

test("R-6.5-6: envelopes after the goodbye are not acknowledged, and leave no timer", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, ACKING);
  const closing = client.close();
  await wire.next("session.close");
  wire.send(event(1));
  await wire.barrier();
  wire.pair.runtime.close();
  await closing;
  expect(runtime.clock.pending).toBe(0);
});
