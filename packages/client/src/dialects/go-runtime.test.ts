import { beforeEach, expect, test } from "vitest";
import { ForeignRuntime, go, phases, problem } from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect, reached } from "../../test/scripted-runtime.ts";

let runtime: ForeignRuntime;
beforeEach(() => {
  runtime = new ForeignRuntime(go);
});
expectNoUnhandledRejections();

test("R-6.2-8: agents come without versions, and under a key of its own", async () => {
  const { client } = await runtime.greeted();
  expect(client.agents()).toMatchObject([{ name: "echo", versions: [] }]);
});

test("R-5.4-2: requests are rejected by a session.error that names them", async () => {
  const { client, wire, job } = await runtime.running();
  const submitting = client.submit("nobody", 1);
  const cancelling = job.cancel();
  const { id } = await wire.next("job.submit");
  const cancel = await wire.next("job.cancel");
  wire.say("session.error", { ...problem("PERMISSION_DENIED"), request_id: cancel.id });
  wire.say("session.error", { ...problem("AGENT_NOT_AVAILABLE"), request_id: id });
  // A rejection that comes twice is dropped.
  wire.say("session.error", { ...problem("AGENT_NOT_AVAILABLE"), request_id: id });
  await expect(submitting).rejects.toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
  await expect(cancelling).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  wire.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("R-9.1-1: an acceptance omits an empty lease, and an event its empty body", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = client.submit("echo", 1);
  await wire.next("job.submit");
  wire.say("job.accepted", { job_id: "job_1", agent: "echo" }, { job_id: "job_1" });
  const job = await submitting;
  expect(job.accepted.lease).toEqual({});
  wire.say("job.event", { kind: "x-acme.tick" }, { job_id: "job_1", event_seq: 1 });
  wire.result(2, "job_1", { output: { pages: 3 } });
  expect(await job.result()).toEqual({ pages: 3 });
  expect(await collect(job.events)).toMatchObject([{ kind: "x-acme.tick", body: {} }]);
});

test("R-D-1: results come under output, even null and falsy ones", async () => {
  const { client, wire } = await runtime.greeted();
  for (const [n, output] of [null, 0, "", false].entries()) {
    const submitting = client.submit("echo", 1);
    await wire.next("job.submit");
    wire.accept(`job_${n}`);
    wire.result(n + 1, `job_${n}`, { output });
    expect(await (await submitting).result()).toBe(output);
  }
});

test("R-D-1: log levels are in upper case, and fields and local times are read", async () => {
  const { wire, job } = await runtime.running();
  const body = { level: "WARN", message: "m", fields: { page: 77 } };
  const ts = "2026-11-02T09:15:30.1234567+01:00";
  wire.say("job.event", { kind: "log", ts, body }, { job_id: "job_1", event_seq: 1 });
  wire.result(2, "job_1");
  await job.result();
  expect(await collect(job.events)).toMatchObject([
    { kind: "log", ts, body: { level: "warn", message: "m", attributes: { page: 77 } } },
  ]);
});

test("R-D-10: a connection that ends while it waits for a number waits no longer", async () => {
  const { client, wire } = await runtime.running();
  wire.event(2, "job_1", "two");
  await wire.barrier();
  expect(runtime.clock.pending).toBe(1);
  wire.sever();
  await reached(client, "retrying");
  // Only the pause before the next attempt.
  expect(runtime.clock.pending).toBe(1);
});

test("R-D-10: a number that is missing after a goodbye leaves no timer behind", async () => {
  const { client, wire } = await runtime.running();
  const closing = client.close();
  await wire.next("session.close");
  wire.event(2, "job_1", "two");
  await wire.barrier();
  wire.sever();
  await closing;
  expect(runtime.clock.pending).toBe(0);
});

test("R-D-10: swapped numbers are put in order", async () => {
  const { wire, job } = await runtime.running();
  wire.event(2, "job_1", "two");
  wire.event(1, "job_1", "one");
  wire.event(5, "job_1", "five");
  wire.event(4, "job_1", "four");
  // The same again, while it waits.
  wire.event(4, "job_1", "four");
  await wire.barrier();
  runtime.clock.advance(999);
  wire.result(6, "job_1");
  wire.event(3, "job_1", "three");
  expect(await job.result()).toBe("job_1");
  expect(phases(await collect(job.events))).toEqual(["one", "two", "three", "four", "five"]);
  expect(runtime.clock.pending).toBe(0);
});

test("R-D-10, R-8.3-4: a number that is missing for a second is a gap", async () => {
  const { client, wire, job } = await runtime.running();
  wire.event(1, "job_1", "one");
  wire.event(3, "job_1", "three");
  await wire.barrier();
  runtime.clock.advance(999);
  expect(client.state.kind).toBe("online");
  runtime.clock.advance(1);
  await reached(client, "retrying");
  const second = await runtime.again(client);
  expect((await second.next("session.hello")).payload.last_event_seq).toBe(1);
  second.welcome("rt_2");
  second.event(2, "job_1", "two");
  second.event(3, "job_1", "three");
  second.result(4, "job_1");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["one", "two", "three"]);
});

test("R-D-10: what comes meanwhile does not prolong the wait for a number", async () => {
  const { client, wire } = await runtime.running();
  wire.event(2, "job_1", "two");
  await wire.barrier();
  runtime.clock.advance(999);
  wire.event(3, "job_1", "three");
  await wire.barrier();
  runtime.clock.advance(1);
  expect(await wire.connection.closed()).toBe("going-away");
  await reached(client, "retrying");
});

test("R-D-10: a second missing number is a gap as well", async () => {
  const { client, wire } = await runtime.running();
  wire.event(2, "job_1", "two");
  wire.event(4, "job_1", "four");
  await wire.barrier();
  wire.event(1, "job_1", "one");
  await wire.barrier();
  runtime.clock.advance(1_000);
  expect(await wire.connection.closed()).toBe("going-away");
  await reached(client, "retrying");
});

test("R-D-10: each missing number has a second of its own", async () => {
  const { client, wire, job } = await runtime.running();
  wire.event(2, "job_1", "two");
  wire.event(4, "job_1", "four");
  await wire.barrier();
  runtime.clock.advance(900);
  wire.event(1, "job_1", "one");
  await wire.barrier();
  runtime.clock.advance(900);
  expect(client.state.kind).toBe("online");
  wire.event(3, "job_1", "three");
  wire.result(5, "job_1");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["one", "two", "three", "four"]);
});

test("R-D-10: envelopes that wait for a missing number when the connection drops are asked for again", async () => {
  const { client, wire, job } = await runtime.running();
  wire.event(2, "job_1", "two");
  await wire.barrier();
  wire.sever();
  const second = await runtime.again(client);
  expect((await second.next("session.hello")).payload.last_event_seq).toBe(0);
  second.welcome("rt_2");
  second.event(1, "job_1", "one");
  second.event(2, "job_1", "two");
  second.result(3, "job_1");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["one", "two"]);
});

test("R-D-10: envelopes without a number do not wait", async () => {
  const { client, wire } = await runtime.running();
  wire.event(2, "job_1", "two");
  const submitting = client.submit("echo", 2);
  await wire.next("job.submit");
  wire.accept("job_2");
  expect((await submitting).id).toBe("job_2");
  await wire.barrier();
});

test("R-D-10: a flood after a gap is not kept forever", async () => {
  const { client, wire } = await runtime.running();
  for (let seq = 2; seq <= 1_002; seq++) wire.event(seq, "job_1", "p");
  await reached(client, "retrying");
});

test("R-D-10: large events after a gap are not kept forever, however few", async () => {
  const { client, wire, job } = await runtime.running();
  const large = "x".repeat(1024 * 1024);
  // An event delivered in its turn frees its room.
  for (let seq = 8; seq >= 1; seq--) wire.event(seq, "job_1", large);
  for (let seq = 16; seq >= 9; seq--) wire.event(seq, "job_1", large);
  for await (const { seq } of job.events) if (seq === 16) break;
  for (let seq = 18; seq <= 27; seq++) wire.event(seq, "job_1", large);
  await reached(client, "retrying");
});

test("R-D-1: a token that is refused as UNAUTHENTICATED ends the session, and not the client", async () => {
  const { client, wire, job } = await runtime.running();
  wire.sever();
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.sessionError("UNAUTHENTICATED");
  second.connection.pair.runtime.close("refused");
  const third = await runtime.again(client);
  expect((await third.next("session.hello")).payload).not.toHaveProperty("resume");
  third.welcome("rt_2", "sess_2");
  // Nothing of it has arrived yet, so its whole history is missing.
  const subscribe = await third.next("job.subscribe");
  expect(subscribe.payload).toMatchObject({ job_id: "job_1", history: true });
  third.say("job.subscribed", { job_id: "job_1", agent: "echo", current_status: "running" });
  third.event(1, "job_1", "one");
  third.result(2, "job_1");
  expect(await job.result()).toBe("job_1");
  expect(phases(await collect(job.events))).toEqual(["one"]);
});

test("R-5.4-2: a request that is rejected with the code of a lost session is rejected all the same", async () => {
  const { client, wire } = await runtime.greeted();
  const subscribing = client.subscribe("job_9", { history: true });
  const { id } = await wire.next("job.subscribe");
  wire.say("session.error", { ...problem("RESUME_WINDOW_EXPIRED"), request_id: id });
  await expect(subscribing).rejects.toMatchObject({ code: "RESUME_WINDOW_EXPIRED" });
});

test("a job of which something was received fails with its session, rather than repeat or lose events", async () => {
  const { client, wire, job } = await runtime.running();
  wire.event(1, "job_1", "one");
  await wire.barrier();
  wire.sever();
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.sessionError("RESUME_WINDOW_EXPIRED");
  second.connection.pair.runtime.close("refused");
  const third = await runtime.again(client);
  await third.next("session.hello");
  third.welcome("rt_2", "sess_2");
  await expect(job.result()).rejects.toMatchObject({ code: "SESSION_LOST" });
});

test("R-D-1: a close is answered with session.closed", async () => {
  const { client, wire } = await runtime.greeted();
  const closing = client.close("done");
  await wire.next("session.close");
  wire.say("session.closed", { reason: "done" });
  await wire.connection.closed();
  await closing;
  expect(runtime.clock.pending).toBe(0);
});
