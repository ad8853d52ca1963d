import { HIGH_WATER_MARK, newMessageId } from "@arcp/core";
import { expect, test } from "vitest";
import {
  accepted,
  type Connection,
  event,
  FEATURES,
  frame,
  reached,
  ScriptedRuntime,
} from "../test/scripted-runtime.ts";

const LONG = "x".repeat(100_000);

const ping = (): string => frame("session.ping", { nonce: newMessageId() });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Characters that the client sent and nobody has read. */
const unread = ({ pair }: Connection): number => Number(Object(pair.runtime.frames).waiting);

test("R-4.1-10: a runtime that keeps pinging and reads no answer is left", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  for (let n = 0; n < 400 && client.state.kind === "online"; n++) {
    wire.send(...Array.from({ length: 100 }, ping));
    await turn();
  }
  const { error } = await reached(client, "retrying");
  expect(error).toMatchObject({
    code: "TRANSPORT_CLOSED",
    message: expect.stringMatching(/does not read/),
  });
  expect(unread(wire)).toBeLessThan(10 * HIGH_WATER_MARK);
});

test("R-4.1-10: one that does so before its welcome gets no more answers until it reads", async () => {
  const runtime = new ScriptedRuntime();
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  for (let n = 0; n < 100; n++) {
    wire.send(...Array.from({ length: 100 }, ping));
    await turn();
  }
  expect(unread(wire)).toBeLessThan(2 * HIGH_WATER_MARK);
  wire.welcome();
  for (let n = 0; n < 10_000; n++) await wire.next("session.pong");
  expect((await connecting).state.kind).toBe("online");
});

test("R-4.1-10: requests wait for a runtime that does not read, and go out in order once it does", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const submits = Array.from({ length: 50 }, (_, n) => client.submit("echo", `${n} ${LONG}`));
  await turn();
  expect(unread(wire)).toBeLessThan(3 * HIGH_WATER_MARK);
  // It is asked for a sign of life all the same.
  wire.send(ping());
  let pongs = 0;
  for (let n = 0; n < 50; ) {
    const { value } = await wire.anything();
    const { id, type, payload } = JSON.parse(value);
    if (type === "session.pong") pongs += 1;
    else {
      expect(payload.input).toBe(`${n} ${LONG}`);
      wire.send(accepted({ id }, `job_${n++}`));
    }
  }
  expect(pongs).toBe(1);
  expect((await Promise.all(submits)).map(({ id }) => id)).toEqual(
    Array.from({ length: 50 }, (_, n) => `job_${n}`),
  );
});

test("R-5.4-8: what waits for room goes out on the next connection, after what was sent without a reply", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online();
  const inputs = Array.from({ length: 10 }, (_, n) => `${n} ${LONG}`);
  const submits = inputs.map((input) => client.submit("echo", input));
  await turn();
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  for (const [n, input] of inputs.entries()) {
    const submit = await second.next("job.submit");
    expect(submit.payload.input).toBe(input);
    second.send(accepted(submit, `job_${n}`));
  }
  expect(await Promise.all(submits)).toHaveLength(10);
});

test("a request that is given up while it waits for room is not sent", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const sent = Array.from({ length: 3 }, () => client.submit("echo", LONG));
  const giveUp = new AbortController();
  const waiting = client.submit("echo", "not this", { signal: giveUp.signal });
  giveUp.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  for (const each of sent) {
    wire.send(accepted(await wire.next("job.submit")));
    await each;
  }
  await wire.barrier();
});

test("R-6.5-6: an ack waits for room, and then carries the client's latest position", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, [...FEATURES, "ack"]);
  const submits = Array.from({ length: 6 }, () => client.submit("echo", LONG));
  await turn();
  wire.send(event(1), event(2));
  await turn();
  runtime.clock.advance(1_000);
  wire.send(event(3));
  await turn();
  for (const each of submits) {
    wire.send(accepted(await wire.next("job.submit")));
    await each;
  }
  expect((await wire.next("session.ack")).payload.last_processed_seq).toBe(3);
  await wire.barrier();
});
