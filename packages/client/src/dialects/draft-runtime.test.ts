import { beforeEach, expect, test } from "vitest";
import { draft, ForeignRuntime, type ForeignWire, phases } from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect, SESSION } from "../../test/scripted-runtime.ts";

let runtime: ForeignRuntime;
beforeEach(() => {
  runtime = new ForeignRuntime(draft);
});
expectNoUnhandledRejections();

/** Without `arcp`, and without anything else that may be missing. */
function say(wire: ForeignWire, type: string, payload: object, header: object = {}): void {
  said += 1;
  const id = `m-${said}`;
  wire.connection.send(JSON.stringify({ id, type, ...header, payload }));
}
let said = 0;

test("R-15-2: vendor fields within the capabilities of a welcome reach the application unchanged", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  await wire.next("session.hello");
  const vendors = { "x-vendor.acme.mode": { deep: [1, null] }, "x-vendor.acme.off": false };
  const capabilities = { features: ["list_jobs"], agents: ["echo"], ...vendors };
  const welcome = { resume_token: "r", resume_window_sec: 600, capabilities };
  say(wire, "session.welcome", welcome, { session_id: SESSION });
  const client = await connecting;
  expect(client.session.capabilities).toMatchObject({ features: ["list_jobs"], ...vendors });

  wire.sever();
  const again = await runtime.again(client);
  await again.next("session.hello");
  const resumed = { ...welcome, capabilities: { "x-vendor.acme.mode": "other" } };
  say(again, "session.welcome", resumed, { session_id: SESSION });
  await again.barrier();
  expect(client.session.capabilities).toEqual({ "x-vendor.acme.mode": "other" });
  expect(client.agents().map(({ name }) => name)).toEqual(["echo"]);
});

test("R-D-11: every optional field is missing", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  await wire.next("session.hello");
  const capabilities = { features: ["list_jobs", "subscribe"] };
  const welcome = { resume_token: "r", resume_window_sec: 1, capabilities };
  say(wire, "session.welcome", welcome, { session_id: SESSION });
  const client = await connecting;
  expect(client.session).toMatchObject({ features: ["list_jobs", "subscribe"], agents: [] });

  const submitting = client.submit("echo");
  await wire.next("job.submit");
  say(wire, "job.accepted", { job_id: "job_1", agent: "echo" });
  const job = await submitting;
  expect(job.accepted).toMatchObject({ agent: "echo", lease: {} });
  say(
    wire,
    "job.event",
    { kind: "status", body: { phase: "on" } },
    { job_id: "job_1", event_seq: 1 },
  );
  say(wire, "job.result", { final_status: "success" }, { job_id: "job_1", event_seq: 2 });
  expect(await job.result()).toBeNull();
  expect(phases(await collect(job.events))).toEqual(["on"]);

  const listing = collect(client.jobs());
  await wire.next("session.list_jobs");
  const created_at = "2026-11-02T08:15:30Z";
  say(wire, "session.jobs", {
    jobs: [{ job_id: "job_1", agent: "echo", status: "success", created_at }],
  });
  expect(await listing).toMatchObject([{ id: "job_1", lease: {}, parent: undefined }]);

  const watching = client.subscribe("job_9");
  await wire.next("job.subscribe");
  say(wire, "job.subscribed", { job_id: "job_9", agent: "echo", current_status: "running" });
  const watched = await watching;
  expect(watched.subscribed).toMatchObject({ lease: {}, parent_job_id: null });

  const cancelling = (await reopened(client.job("job_8"), wire)).cancel();
  await wire.next("job.cancel");
  say(wire, "job.cancelled", {});
  await cancelling;

  const end = { final_status: "error", code: "TIMEOUT" };
  say(wire, "job.error", end, { job_id: "job_9", event_seq: 3 });
  await expect(watched.result()).rejects.toMatchObject({ code: "TIMEOUT", retryable: true });
  const closing = client.close();
  await wire.next("session.close");
  say(wire, "session.closed", {});
  await closing;
});

async function reopened<T>(opening: Promise<T>, wire: ForeignWire): Promise<T> {
  const { job_id } = await wire.next("job.subscribe");
  say(wire, "job.subscribed", { job_id, agent: "echo", current_status: "running" });
  return opening;
}

test("R-D-11: without any feature, handshakes and submits work, and other calls say what is missing", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  await wire.next("session.hello");
  const welcome = { resume_token: "r", resume_window_sec: 1, capabilities: {} };
  say(wire, "session.welcome", welcome, { session_id: SESSION });
  const client = await connecting;
  const submitting = client.submit("echo");
  await wire.next("job.submit");
  say(wire, "job.accepted", { job_id: "job_1", agent: "echo" });
  await submitting;
  for (const asked of [client.subscribe("job_1"), client.jobs().next()]) {
    await expect(asked).rejects.toMatchObject({ code: "MISUSE" });
  }
});

test("R-D-11, R-5.1-7: every optional field is present, and many unknown ones", async () => {
  const unknown = { "x-acme": 1, nested: { deep: [null] } };
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  const hello = await wire.next("session.hello");
  const trace_id = "9f2c41d07be84a6392d5e8b1c03f7a64";
  const full = (job?: string): object => ({
    arcp: "1.9",
    session_id: SESSION,
    ...(job !== undefined && { job_id: job }),
    trace_id,
    extensions: { "x-vendor.acme.note": "n", optional: true },
    ...unknown,
  });
  const agents = [
    { name: "echo", versions: ["1"], default: "1", description: "d", ...unknown },
    { name: "old", versions: [], default: null },
  ];
  const features = [...(hello.payload.capabilities?.features ?? [])].filter(
    (name) => !name.startsWith("x-vendor."),
  );
  const payload = {
    runtime: { name: "full", version: "1", fingerprint: "f", principal: "p", ...unknown },
    resume_token: "r",
    resume_window_sec: 600,
    heartbeat_interval_sec: 20,
    capabilities: {
      encodings: ["json", "cbor"],
      features: [...features, "acme"],
      agents,
      ...unknown,
    },
    ...unknown,
  };
  say(wire, "session.welcome", payload, full());
  const client = await connecting;
  expect(client.session.features).toEqual(features);

  const lease = { "fs.read": ["/a/**"], "acme.fly": ["*"] };
  const lease_constraints = { expires_at: "2026-11-02T20:00:00+00:00" };
  const authority = { agent: "echo@1", lease, lease_constraints, budget: { EUR: 1.5 }, trace_id };
  const credentials = [
    { id: "c", scheme: "bearer", value: "v", endpoint: "https://x", profile: "p", constraints: {} },
  ];
  const submitting = client.submit("echo@1", 1, { lease: { "fs.read": ["/a/**"] } });
  const submit = await wire.next("job.submit");
  const accepted = {
    request_id: submit.id,
    job_id: "job_1",
    ...authority,
    credentials,
    accepted_at: "2026-11-02T08:20:00.412Z",
    parent_job_id: null,
    delegate_id: null,
    ...unknown,
  };
  say(wire, "job.accepted", accepted, full("job_1"));
  const job = await submitting;
  expect(job.accepted).toMatchObject({ lease, lease_constraints });
  expect(job.credentials.get("c")?.value).toBe("v");
  const body = { phase: "on", message: "m", ...unknown };
  const event = { kind: "status", ts: "2026-11-02T08:20:01Z", body, ...unknown };
  say(wire, "job.event", event, { ...full("job_1"), event_seq: 1 });
  const result = { final_status: "success", result: 1, output: 2, summary: "s", ...unknown };
  say(wire, "job.result", result, { ...full("job_1"), event_seq: 2 });
  expect(await job.result()).toBe(1);

  const listing = collect(client.jobs());
  const { id } = await wire.next("session.list_jobs");
  const entry = {
    job_id: "job_1",
    agent: "echo@1",
    status: "success",
    lease,
    parent_job_id: "job_0",
    created_at: "2026-11-02T08:20:00.412Z",
    trace_id,
    last_event_seq: 2,
    ...unknown,
  };
  say(
    wire,
    "session.jobs",
    { request_id: id, jobs: [entry], next_cursor: null, ...unknown },
    full(),
  );
  expect(await listing).toMatchObject([{ id: "job_1", parent: "job_0", traceId: trace_id }]);

  const watching = client.subscribe("job_9", { history: true });
  const subscribe = await wire.next("job.subscribe");
  const subscribed = {
    request_id: subscribe.id,
    job_id: "job_9",
    current_status: "running",
    ...authority,
    credentials,
    parent_job_id: null,
    // Whatever it counts there, it is not the number of a later envelope.
    subscribed_from: 900,
    replayed: true,
    ...unknown,
  };
  say(wire, "job.subscribed", subscribed, full("job_9"));
  const watched = await watching;
  say(wire, "job.event", event, { ...full("job_9"), event_seq: 3 });
  const error = { code: "INTERNAL_ERROR", message: "m", retryable: true, details: { a: 1 } };
  const failure = { final_status: "error", ...error, ...unknown };
  say(wire, "job.error", failure, { ...full("job_9"), event_seq: 4 });
  await expect(watched.result()).rejects.toMatchObject(error);
  expect(phases(await collect(watched.events))).toEqual(["on"]);
});

test("R-5.4-6: a reply that names a request is matched by that id, and by nothing else", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = client.submit("echo", 1);
  const { id, trace_id } = await wire.next("job.submit");
  const accepted = { agent: "echo", lease: {} };
  wire.say("job.accepted", { ...accepted, job_id: "job_x", request_id: "req_other" }, { trace_id });
  await wire.barrier();
  wire.say("job.accepted", { ...accepted, job_id: "job_1", request_id: id });
  expect((await submitting).id).toBe("job_1");
});

test("R-5.4-6: a reply whose envelope id is a request's is matched by that", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = client.submit("echo", 1);
  const { id } = await wire.next("job.submit");
  wire.accept("job_1", { id, trace_id: "9f2c41d07be84a6392d5e8b1c03f7a64" });
  expect((await submitting).id).toBe("job_1");
});

test("R-7.6-8: a subscription that its caller gave up is left once it is acknowledged", async () => {
  const { client, wire } = await runtime.greeted();
  const abort = new AbortController();
  const watching = client.subscribe("job_9", { signal: abort.signal });
  await wire.next("job.subscribe");
  abort.abort(new Error("enough"));
  await expect(watching).rejects.toThrow("enough");
  await wire.barrier();
  wire.say("job.subscribed", { job_id: "job_9", agent: "echo", current_status: "running" });
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.6-8: one that is never acknowledged is left once its timeout passes", async () => {
  const { client, wire } = await runtime.greeted();
  const abort = new AbortController();
  const watching = client.subscribe("job_9", { signal: abort.signal });
  await wire.next("job.subscribe");
  abort.abort(new Error("enough"));
  await expect(watching).rejects.toThrow("enough");
  runtime.clock.advance(30_000);
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
  expect(runtime.clock.pending).toBe(0);
});

test("a saved session of another runtime is resumed in its forms from the first frame on", async () => {
  const { client, wire, job } = await runtime.running();
  wire.event(1, "job_1", "one");
  await wire.barrier();
  const restore = await client.save();
  await expect(job.result()).rejects.toMatchObject({ code: "CLOSED" });
  const connecting = runtime.connect({ restore });
  const second = await runtime.wire();
  expect((await second.next("session.hello")).payload).toMatchObject({
    resume: { session_id: SESSION, resume_token: "rt_1", last_event_seq: 1 },
    resume_token: "rt_1",
    last_event_seq: 1,
  });
  second.welcome("rt_2");
  const next = await connecting;
  expect(next.session.id).toBe(SESSION);
});

test("requests that wait for their turn reject when the client ends, and none of them is sent", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = [1, 2, 3].map((n) => client.submit("echo", n));
  await wire.next("job.submit");
  const closing = client.close();
  await wire.next("session.close");
  wire.say("session.closed", {});
  await wire.connection.closed();
  await closing;
  for (const submit of submitting) await expect(submit).rejects.toMatchObject({ code: "CLOSED" });
  expect(runtime.clock.pending).toBe(0);
});

test("requests that wait for their turn when the connection drops go out on the next one, in order", async () => {
  const { client, wire } = await runtime.greeted();
  const first = client.submit("echo", 1);
  const rest = [2, 3].map((n) => client.submit("echo", n));
  await wire.next("job.submit");
  wire.sever();
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.welcome("rt_2");
  // It was sent, and nobody knows what became of it.
  await expect(first).rejects.toMatchObject({ code: "SESSION_LOST" });
  for (const n of [2, 3]) {
    expect((await second.next("job.submit")).payload.input).toBe(n);
    await second.barrier();
    second.accept(`job_${n}`);
  }
  expect((await Promise.all(rest)).map(({ id }) => id)).toEqual(["job_2", "job_3"]);
});

test("a submit that was given up before the connection drops is not sent again", async () => {
  const { client, wire } = await runtime.greeted();
  const abort = new AbortController();
  const first = client.submit("echo", 1, { signal: abort.signal, idempotencyKey: "k" });
  const second = client.submit("echo", 2);
  await wire.next("job.submit");
  abort.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  wire.sever();
  const next = await runtime.again(client);
  await next.next("session.hello");
  next.welcome("rt_2");
  expect((await next.next("job.submit")).payload.input).toBe(2);
  next.accept("job_2");
  expect((await second).id).toBe("job_2");
});

test("fromJobSeq is refused if jobs have no numbers of their own", async () => {
  const { client } = await runtime.greeted();
  for (const asked of [
    client.job("job_9", { fromJobSeq: 3 }),
    client.subscribe("job_9", { history: true, fromJobSeq: 3 }),
  ]) {
    await expect(asked).rejects.toMatchObject({ code: "MISUSE" });
  }
});
