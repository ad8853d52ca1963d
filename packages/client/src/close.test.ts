import { afterEach, beforeEach, expect, test } from "vitest";
import {
  accepted,
  collect,
  frame,
  reached,
  result,
  ScriptedRuntime,
  sessionError,
} from "../test/scripted-runtime.ts";

let runtime: ScriptedRuntime;
beforeEach(() => {
  runtime = new ScriptedRuntime();
});
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  // Unhandled rejections are reported after the microtasks of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
  expect(runtime.clock.pending).toBe(0);
});

const closed = { name: "LocalError", code: "CLOSED" };

test("R-6.7-1: close says goodbye, waits for the answer and closes the transport", async () => {
  const { client, wire } = await runtime.online();
  const closing = client.close("done");
  const close = await wire.next("session.close");
  expect(close.payload.reason).toBe("done");
  expect(close.session_id).toBe("sess_1");
  expect(client.state.kind).toBe("closing");
  wire.send(frame("session.closed", { request_id: close.id, reason: "done" }));
  await closing;
  await wire.closed();
  expect(client.state).toMatchObject({ kind: "closed", error: closed });
});

test.each([
  ["x".repeat(2_000), "x".repeat(1_024)],
  [`${"x".repeat(1_023)}😀`, `${"x".repeat(1_023)}\uFFFD`],
  [{ toString: () => "an event" }, undefined],
  [7n, undefined],
  [null, undefined],
])(
  "R-6.7-1: a reason that no runtime accepts is cut to what one accepts, or omitted",
  async (given, reason) => {
    const { client, wire } = await runtime.online();
    const closing = client.close(given as string);
    const close = await wire.next("session.close");
    expect(close.payload.reason).toBe(reason);
    wire.send(frame("session.closed", { request_id: close.id }));
    await closing;
  },
);

test("R-6.7-7, R-4.1-11: without an answer the transport is closed after one second, as after any goodbye", async () => {
  const { client, wire } = await runtime.online();
  const closing = client.close();
  await wire.next("session.close");
  runtime.clock.advance(999);
  await wire.barrier();
  runtime.clock.advance(1);
  await closing;
  expect(await wire.closed()).toBe("normal");
});

test("close settles everything, and an unobserved promise causes no unhandled rejection", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  void job.result();
  void job.text();
  void job.bytes();
  void job.outcome();
  const pending = [client.submit("echo"), job.cancel(), client.subscribe("job_7")];
  void client.submit("echo");
  const reading = collect(job.events);
  reading.catch(() => {});
  await wire.next("job.submit");
  await wire.next("job.cancel");
  await wire.next("job.subscribe");
  await wire.next("job.submit");
  const closing = client.close();
  runtime.clock.advance(1_000);
  await closing;
  for (const promise of pending) await expect(promise).rejects.toMatchObject(closed);
  await expect(job.result()).rejects.toMatchObject(closed);
  await expect(job.text()).rejects.toMatchObject(closed);
  await expect(reading).rejects.toMatchObject(closed);
});

test("what comes before the runtime's goodbye still counts", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const closing = client.close();
  const close = await wire.next("session.close");
  wire.send(result(1, "just in time"), frame("session.closed", { request_id: close.id }));
  await closing;
  expect(await job.result()).toBe("just in time");
});

test("R-5.4-3: an error that comes before the runtime's goodbye does not cut it short", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const closing = client.close();
  const close = await wire.next("session.close");
  wire.send(sessionError("INTERNAL_ERROR"));
  await wire.barrier();
  wire.send(result(1, "just in time"), frame("session.closed", { request_id: close.id }));
  await closing;
  expect(await job.result()).toBe("just in time");
});

test("a closing or closed client accepts no calls", async () => {
  const { client, wire } = await runtime.online();
  const closing = client.close();
  await expect(client.submit("echo")).rejects.toMatchObject(closed);
  void client.submit("echo");
  await wire.next("session.close");
  runtime.clock.advance(1_000);
  await closing;
  await expect(client.subscribe("job_1")).rejects.toMatchObject(closed);
  await wire.closed();
});

test("closing twice, and disposing, wait for the same end", async () => {
  const { client, wire } = await runtime.online();
  let first: Promise<void>;
  {
    await using disposed = client;
    first = disposed.close("a");
    void first.then(() => {});
    const close = await wire.next("session.close");
    wire.send(frame("session.closed", { request_id: close.id }));
  }
  await first;
  await client.close("b");
  await wire.closed();
});

test("a connection that drops while closing is not opened again", async () => {
  const { client, wire } = await runtime.online();
  const closing = client.close();
  await wire.next("session.close");
  wire.pair.sever();
  await closing;
  expect(runtime.dialled).toBe(1);
  expect(client.state).toMatchObject({ kind: "closed", error: closed });
});

test("closing during the pause between two attempts ends at once", async () => {
  const { client, wire } = await runtime.online();
  const asked = client.submit("echo");
  wire.pair.sever();
  await reached(client, "retrying");
  await client.close();
  await expect(asked).rejects.toMatchObject(closed);
  expect(runtime.dialled).toBe(1);
});

test("closing in the middle of a resume closes that connection too", async () => {
  const { client, wire } = await runtime.online();
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  await second.next("session.resume");
  // The welcome is on its way when the client closes.
  second.welcome("rt_2");
  await client.close();
  await second.closed();
  expect(client.state).toMatchObject({ kind: "closed", error: closed });
});
