import { beforeEach, expect, test } from "vitest";
import { ForeignRuntime, phases, problem, typescript } from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect, SESSION } from "../../test/scripted-runtime.ts";

let runtime: ForeignRuntime;
beforeEach(() => {
  runtime = new ForeignRuntime(typescript);
});
expectNoUnhandledRejections();

test("R-6.2-8: agents come as strings and as objects", async () => {
  const { client } = await runtime.greeted();
  expect(client.agents()).toMatchObject([
    { name: "echo", versions: [] },
    { name: "indexer", versions: ["1.0", "2.0"], default: "2.0" },
  ]);
});

test("R-D-8: a submit is rejected by a job.error with a fresh job id and the submit's trace", async () => {
  const { client, wire, job } = await runtime.running();
  const submitting = client.submit("nobody", 1);
  const { trace_id } = await wire.next("job.submit");
  wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_fresh", trace_id });
  await expect(submitting).rejects.toMatchObject({
    code: "AGENT_NOT_AVAILABLE",
    message: "scripted AGENT_NOT_AVAILABLE",
  });
  wire.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("R-D-8: this holds even if it is numbered as if it belonged to the stream", async () => {
  const { client, wire, job } = await runtime.running();
  const submitting = client.submit("nobody", 1);
  const { trace_id } = await wire.next("job.submit");
  wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_fresh", trace_id, event_seq: 1 });
  await expect(submitting).rejects.toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
  wire.result(2, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("rejections: a refused listing is an empty page", async () => {
  const { client, wire } = await runtime.greeted();
  const listing = collect(client.jobs());
  await wire.next("session.list_jobs");
  wire.say("session.jobs", { jobs: [], next_cursor: null });
  expect(await listing).toEqual([]);
});

test("R-5.4-6, rejections: a subscribe is refused under its target's id", async () => {
  const { client, wire } = await runtime.greeted();
  for (const opening of [() => client.subscribe("job_9"), () => client.job("job_9")]) {
    const subscribing = opening();
    await wire.next("job.subscribe");
    wire.jobError("JOB_NOT_FOUND", { job_id: "job_9" });
    await expect(subscribing).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  }
});

test("R-5.4-6, rejections: a cancel refused under its target's id does not end the handle that watches it", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.job("job_9");
  await wire.next("job.subscribe");
  wire.say("job.subscribed", { job_id: "job_9", agent: "echo", current_status: "running" });
  const job = await opening;
  const cancelling = job.cancel();
  await wire.next("job.cancel");
  wire.jobError("PERMISSION_DENIED", { job_id: "job_9" });
  await expect(cancelling).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  wire.event(1, "job_9", "on");
  wire.result(2, "job_9");
  expect(await job.result()).toBe("job_9");
  expect(phases(await collect(job.events))).toEqual(["on"]);
});

test("R-5.4-7, rejections: an unanswered request times out, and the next one is sent", async () => {
  const { wire, job } = await runtime.running();
  const cancelling = job.cancel();
  await wire.next("job.cancel");
  runtime.clock.advance(30_000);
  await expect(cancelling).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
  const again = job.cancel();
  await wire.next("job.cancel");
  wire.say("job.cancelled", {}, { job_id: "job_1" });
  await again;
});

test("rejections: an opening that is refused with a session id rejects connect", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  await wire.next("session.hello");
  wire.sessionError("UNAUTHENTICATED");
  wire.connection.pair.runtime.close("normal");
  await expect(connecting).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

const subscribed = { job_id: "job_9", agent: "echo", current_status: "running", lease: {} };

test("R-D-1: history before job.subscribed belongs to the handle, and what follows comes once", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.subscribe("job_9", { history: true });
  await wire.next("job.subscribe");
  wire.event(1, "job_9", "one");
  wire.event(2, "job_9", "two");
  wire.event(2, "job_9", "two");
  // Numbered by its owner's session, as this runtime does.
  wire.say("job.subscribed", { ...subscribed, subscribed_from: 90 });
  const job = await opening;
  wire.event(3, "job_9", "three");
  wire.result(4, "job_9");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["one", "two", "three"]);
});

test("R-D-1, OP-14: so does the history of a finished job, whatever its end", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.job("job_9");
  await wire.next("job.subscribe");
  const submitting = client.submit("echo", 1);
  await wire.next("job.submit");
  wire.event(1, "job_9", "one");
  // It rejects neither the subscribe nor the submit.
  wire.jobError("PERMISSION_DENIED", { job_id: "job_9", event_seq: 2 });
  wire.say("job.subscribed", { ...subscribed, current_status: "error" });
  const job = await opening;
  await expect(job.result()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(phases(await collect(job.events))).toEqual(["one"]);
  wire.accept("job_1");
  expect((await submitting).id).toBe("job_1");
});

test("R-D-1: a job that is already followed gets nothing twice from another handle's history", async () => {
  const { client, wire, job } = await runtime.running();
  const frames = [1, 2].map((seq) => wire.eventFrame(seq, "job_1", `p${seq}`));
  wire.connection.send(...frames);
  await wire.barrier();
  const opening = client.subscribe("job_1", { history: true });
  await wire.next("job.subscribe");
  // A replayed record keeps its id (R-5.1-3) under another number.
  for (const [n, text] of frames.entries()) {
    wire.connection.send(JSON.stringify({ ...JSON.parse(text), event_seq: 3 + n }));
  }
  wire.say("job.subscribed", { ...subscribed, job_id: "job_1" });
  const second = await opening;
  wire.event(5, "job_1", "p3");
  wire.result(6, "job_1");
  await second.result();
  expect(phases(await collect(second.events))).toEqual(["p1", "p2", "p3"]);
  expect(phases(await collect(job.events))).toEqual(["p1", "p2", "p3"]);
});

test("R-7.6-6: a subscription without history does not get what comes before its acknowledgement", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.subscribe("job_9");
  await wire.next("job.subscribe");
  wire.event(1, "job_9", "before");
  wire.say("job.subscribed", subscribed);
  const job = await opening;
  wire.event(2, "job_9", "after");
  wire.result(3, "job_9");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["after"]);
});

test("a history that is larger than a handle's buffer is reported as truncated", async () => {
  const { client, wire } = await runtime.greeted({ eventBuffer: 700 });
  const opening = client.subscribe("job_9", { history: true });
  await wire.next("job.subscribe");
  for (let seq = 1; seq <= 20; seq++) wire.event(seq, "job_9", `p${seq}`);
  wire.say("job.subscribed", subscribed);
  const job = await opening;
  expect(job.subscribed.truncated).toBe(true);
  wire.result(21, "job_9");
  await job.result();
});

test("a subscribe that is repeated after a drop gets only the second replay", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.subscribe("job_9", { history: true });
  await wire.next("job.subscribe");
  wire.event(1, "job_9", "one");
  await wire.barrier();
  wire.sever();
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.welcome("rt_2");
  await second.next("job.subscribe");
  second.event(2, "job_9", "one");
  second.event(3, "job_9", "two");
  second.say("job.subscribed", subscribed);
  const job = await opening;
  second.result(4, "job_9");
  await job.result();
  expect(phases(await collect(job.events))).toEqual(["one", "two"]);
});

test("R-D-1: dims, bounds of a credential and delegations have its form", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = client.submit("echo", 1);
  const { trace_id } = await wire.next("job.submit");
  const constraints = { allowed_models: ["m"], max_spend: 1 };
  const credential = { id: "c", scheme: "bearer", value: "v", endpoint: "https://x", constraints };
  const odd = { ...credential, id: "d", scheme: "mtls" };
  wire.say(
    "job.accepted",
    { job_id: "job_1", agent: "echo", lease: {}, credentials: [credential, odd] },
    { job_id: "job_1", trace_id },
  );
  const job = await submitting;
  expect([...job.credentials.keys()]).toEqual(["c"]);
  expect(job.credentials.get("c")).toMatchObject({ constraints, value: "v" });
  const ts = "2026-11-02T08:15:30Z";
  const say = (seq: number, kind: string, body: object) =>
    wire.say("job.event", { kind, ts, body }, { job_id: "job_1", event_seq: seq });
  say(1, "metric", { name: "n", value: 1, dims: { a: "b" } });
  say(2, "delegate", { delegate_id: "d", agent: "echo", input: 1, lease_request: {} });
  wire.result(3, "job_1");
  await job.result();
  expect(await collect(job.events)).toMatchObject([
    { kind: "metric", body: { dimensions: { a: "b" } } },
    { kind: "delegate", body: { delegate_id: "d" } },
  ]);
});

test("R-6.7-7, R-D-1: a close without an answer is followed by bye after a second", async () => {
  const { client, wire } = await runtime.greeted();
  const closing = client.close("done");
  expect(await wire.next("session.close")).toMatchObject({ payload: { reason: "done" } });
  runtime.clock.advance(999);
  await wire.barrier();
  runtime.clock.advance(1);
  expect(await wire.next("session.bye")).toMatchObject({ session_id: SESSION });
  await wire.connection.closed();
  await closing;
  expect(runtime.clock.pending).toBe(0);
});

test.each([
  ["that names it", true],
  ["that names nothing", false],
])("R-D-1: a close that gets an error %s is followed by bye at once", async (_, names) => {
  const { client, wire, job } = await runtime.running();
  const closing = client.close();
  const { id } = await wire.next("session.close");
  wire.say("session.error", { ...problem("INVALID_REQUEST"), ...(names && { request_id: id }) });
  await wire.next("session.bye");
  await wire.connection.closed();
  await closing;
  await expect(job.result()).rejects.toMatchObject({ code: "CLOSED" });
  expect(runtime.clock.pending).toBe(0);
});

test("R-5.4-3, R-D-1: an error of another request is not the answer to a close", async () => {
  const { client, wire } = await runtime.running();
  void client.submit("nobody", 1);
  const { id } = await wire.next("job.submit");
  const closing = client.close();
  await wire.next("session.close");
  wire.say("session.error", { ...problem("AGENT_NOT_AVAILABLE"), request_id: id });
  // A bye would come before the pong.
  await wire.barrier();
  wire.say("session.closed", {});
  await closing;
});

test("R-D-1: session.bye answers a close too, and ends a session that the runtime leaves", async () => {
  const { client, wire } = await runtime.greeted();
  const closing = client.close();
  await wire.next("session.close");
  wire.say("session.bye", {});
  await wire.connection.closed();
  await closing;
});
