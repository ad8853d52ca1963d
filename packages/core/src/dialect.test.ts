import { expect, test } from "vitest";
import { decode } from "./codec.ts";
import { errorCodes } from "./error-code.ts";
import { readEvent } from "./event.ts";

/** The "accept" column of DIALECTS, as far as it concerns shapes. */
function payloadOf(type: string, payload: unknown, header: object = {}): unknown {
  const decoded = decode(JSON.stringify({ id: "m", type, ...header, payload }));
  if (decoded.kind !== "ok") throw new Error(JSON.stringify(decoded));
  return decoded.message.payload;
}

function event(kind: string, body: unknown): unknown {
  const decoded = decode(JSON.stringify({ id: "m", type: "job.event", payload: { kind, body } }));
  if (decoded.kind !== "ok" || decoded.message.type !== "job.event") throw new Error(kind);
  return readEvent(decoded.message.payload);
}

test.each([
  ["nested in hello", "session.hello", { resume: { resume_token: "r", last_event_seq: 3 } }],
  ["flat in hello", "session.hello", { resume_token: "r", last_event_seq: 3 }],
  ["flat in hello, from the start", "session.hello", { resume_token: "r" }],
  ["its own message, without auth", "session.resume", { resume_token: "r" }],
])("R-6.3-1, R-D-1: accepts a resume %s", (_, type, payload) => {
  expect(payloadOf(type, payload)).toEqual(payload);
});

test.each([
  [{ scheme: "bearer" }, { scheme: "bearer", token: "" }],
  [
    { scheme: "bearer", token: null },
    { scheme: "bearer", token: "" },
  ],
  [{ token: "t" }, { scheme: "", token: "t" }],
  [{}, { scheme: "", token: "" }],
  [
    { scheme: "mtls", token: "t" },
    { scheme: "mtls", token: "t" },
  ],
])("R-6.1-2: auth %j is well-formed, and left to the verifier to refuse", (auth, read) => {
  expect(payloadOf("session.hello", { auth })).toEqual({ auth: read });
});

test.each([null, undefined])("R-6.1-2: auth may be %s", (auth) => {
  expect(payloadOf("session.hello", { auth })).toEqual({});
});

test.each([undefined, "1", "1.0", "1.1", "1.9"])("R-D-1: accepts arcp %s", (arcp) => {
  expect(payloadOf("session.bye", {}, { arcp })).toEqual({});
});

test("R-6.2-8: accepts agents as strings, without versions, and with extra keys", () => {
  const agents = [
    "plain",
    "pinned@2.0",
    "Not an ARCP name!",
    { name: "go", bare: true },
    { name: "c#", versions: null },
    { name: "x", versions: [], default: null },
  ];
  const payload = { resume_token: "r", resume_window_sec: 1, capabilities: { agents } };
  expect(payloadOf("session.welcome", payload)).toMatchObject({
    capabilities: {
      agents: [
        { name: "plain", versions: [] },
        { name: "pinned", versions: ["2.0"], default: "2.0" },
        { name: "Not an ARCP name!", versions: [] },
        { name: "go", versions: [] },
        { name: "c#", versions: [] },
        { name: "x", versions: [] },
      ],
    },
  });
});

test("R-15-2: vendor keys inside capabilities reach the application, from both sides", () => {
  const capabilities = { features: ["ack"], "x-vendor.acme.mode": { a: [1] } };
  expect(payloadOf("session.hello", { capabilities })).toEqual({ capabilities });
  expect(payloadOf("session.resume", { resume_token: "r", capabilities })).toMatchObject({
    capabilities,
  });
  const welcome = { resume_token: "r", resume_window_sec: 1, capabilities };
  expect(payloadOf("session.welcome", welcome)).toEqual(welcome);
});

test.each([
  ["TypeScript: a reason alone", { reason: "r" }, {}],
  ["Go, numbered", { job_id: "j", reason: "r" }, { event_seq: 7, job_id: "j" }],
  ["nothing at all", {}, {}],
])("R-D-1: accepts job.cancelled as in %s", (_, payload, header) => {
  expect(payloadOf("job.cancelled", payload, header)).toEqual(payload);
});

test("R-7.4-8, R-D-1: a cancel may name its job in the envelope, in the payload, or not at all, which the runtime judges", () => {
  for (const [payload, header] of [
    [{ job_id: "j" }, {}],
    [{}, { job_id: "j" }],
    [{}, {}],
  ] as const) {
    expect(payloadOf("job.cancel", payload, header)).toEqual(payload);
  }
});

test.each([
  [{ final_status: "success", output: { a: 1 } }],
  [{ final_status: "success", result: null }],
  [{ final_status: "success", result: 1, output: 1 }],
  [{ final_status: "success", result_id: "r", result_size: 0 }],
  [{ final_status: "success" }],
])("R-D-1, R-8.4-3: accepts a result of the form %j", (payload) => {
  expect(payloadOf("job.result", payload)).toEqual(payload);
});

test("section 7.1: a submit without input has the input null", () => {
  expect(payloadOf("job.submit", { agent: "a" })).toEqual({ agent: "a", input: null });
});

test("R-D-12: a C# submit keeps its parent_job_id", () => {
  expect(payloadOf("job.submit", { agent: "a", input: 1, parent_job_id: "j0" })).toEqual({
    agent: "a",
    input: 1,
    parent_job_id: "j0",
  });
});

test("R-11-3: a Java submit keeps the extensions of its payload", () => {
  const extensions = { "x-vendor.opentelemetry.tracecontext": { traceparent: "00-a-b-01" } };
  expect(payloadOf("job.submit", { agent: "a", extensions })).toMatchObject({ extensions });
});

test("R-9.1-1, R-D-1: accepts an omitted lease, as Go sends an empty one", () => {
  expect(payloadOf("job.accepted", { job_id: "j", agent: "a" })).toMatchObject({ lease: {} });
  const subscribed = { job_id: "j", agent: "a", current_status: "running", lease: null };
  expect(payloadOf("job.subscribed", subscribed)).toMatchObject({ lease: {} });
});

test("R-D-1: keeps the detail of a C# error among the details", () => {
  const csharp = { code: "TIMEOUT", message: "m", retryable: true, detail: "why" };
  const ours = { code: "TIMEOUT", message: "m", retryable: true, details: { detail: "why" } };
  expect(payloadOf("session.error", csharp)).toEqual(ours);
  expect(payloadOf("job.error", { ...csharp, final_status: "error" })).toEqual({
    ...ours,
    final_status: "error",
  });
  expect(event("tool_result", { call_id: "c", error: csharp })).toMatchObject({
    body: { error: ours },
  });
  expect(payloadOf("session.error", { ...csharp, details: { n: 1 } })).toMatchObject({
    details: { n: 1 },
  });
  expect(payloadOf("session.error", { ...csharp, detail: 5 })).not.toHaveProperty("details");
});

test("R-D-1: accepts timedout from C#", () => {
  const subscribed = { job_id: "j", agent: "a", lease: {}, current_status: "timedout" };
  expect(payloadOf("job.subscribed", subscribed)).toMatchObject({ current_status: "timed_out" });
  expect(payloadOf("job.cancelled", { current_status: "timedout" })).toEqual({
    current_status: "timed_out",
  });
});

test("R-5.3-5: passes an unknown state on", () => {
  const subscribed = { job_id: "j", agent: "a", lease: {}, current_status: "dreaming" };
  expect(payloadOf("job.subscribed", subscribed)).toMatchObject({ current_status: "dreaming" });
});

test("R-D-1: a listing without next_cursor is the last page, and a job without parent_job_id has no parent", () => {
  const job = {
    job_id: "j",
    agent: "a",
    status: "running",
    created_at: "2026-11-02T08:15:30+01:00",
  };
  expect(payloadOf("session.jobs", { jobs: [job] })).toMatchObject({
    next_cursor: null,
    jobs: [{ parent_job_id: null, lease: {} }],
  });
});

test("R-12-3: a missing message or retryable is filled in from the table, and an unknown code is kept", () => {
  for (const [code, { meaning, retryable }] of Object.entries(errorCodes)) {
    for (const message of [undefined, null, ""]) {
      expect(payloadOf("session.error", { code, message })).toEqual({
        code,
        message: meaning,
        retryable,
      });
    }
  }
  expect(payloadOf("session.error", { code: "ACME" })).toEqual({
    code: "ACME",
    message: "ACME",
    retryable: false,
  });
  expect(payloadOf("session.error", { code: "ACME", retryable: true })).toMatchObject({
    retryable: true,
  });
  expect(
    payloadOf("job.error", { final_status: "error", code: "TIMEOUT", retryable: false }),
  ).toMatchObject({ retryable: false });
});

test("R-D-1: accepts Java's rejection, a job.error without job and number", () => {
  const payload = {
    final_status: "error",
    code: "INVALID_REQUEST",
    message: "m",
    retryable: false,
  };
  expect(payloadOf("job.error", payload)).toEqual(payload);
});

test("R-D-1: accepts Go's log with an upper-case level and fields", () => {
  expect(event("log", { level: "WARN", message: "m", fields: { page: 77 } })).toEqual({
    kind: "log",
    body: { level: "warn", message: "m", attributes: { page: 77 } },
  });
  const both = { level: "info", message: "m", fields: { page: 1 }, attributes: { page: 2 } };
  expect(event("log", both)).toMatchObject({ body: { attributes: { page: 2 } } });
});

test("R-D-1: accepts TypeScript's metric with its labels in dims", () => {
  expect(event("metric", { name: "n", value: 1, dims: { a: "b" } })).toEqual({
    kind: "metric",
    body: { name: "n", value: 1, dimensions: { a: "b" } },
  });
  expect(
    event("metric", { name: "n", value: 1, dims: { a: "x" }, dimensions: { a: "b" } }),
  ).toMatchObject({
    body: { dimensions: { a: "b" } },
  });
});

test.each([
  ["the request form", { delegate_id: "d", agent: "a", input: 1, lease_request: {} }],
  ["the child form", { child_job_id: "j", agent: "a" }],
])("R-D-1: accepts a delegate in %s", (_, body) => {
  expect(event("delegate", body)).toEqual({ kind: "delegate", body });
});

test.each([
  [{ phase: "credential_rotated", id: "c", value: "v" }],
  [{ phase: "credential_rotated", details: { id: "c", value: "v" } }],
  [{ phase: "credential_rotated", credential_id: "c", credential_value: "v" }],
])("R-D-1: a rotation of the form %j keeps its fields", (body) => {
  expect(event("status", body)).toEqual({ kind: "status", body });
});

test("R-D-1: accepts credential constraints in the lease's terms and in those of TypeScript", () => {
  for (const constraints of [
    { "model.use": ["m/*"], "cost.budget": ["EUR:1"] },
    { allowed_models: ["m"], max_spend: 1 },
  ]) {
    const credentials = [{ id: "c", scheme: "s", value: "v", endpoint: "e", constraints }];
    expect(payloadOf("job.accepted", { job_id: "j", agent: "a", credentials })).toMatchObject({
      credentials,
    });
  }
});

test.each([
  "2026-11-02T20:00:00Z",
  "2026-11-02T20:00:00+00:00",
  "2026-11-02T20:00:00.1234567-07:00",
])("R-5.2-2, R-D-1: accepts the time %s", (time) => {
  expect(
    payloadOf("job.accepted", {
      job_id: "j",
      agent: "a",
      accepted_at: time,
      lease_constraints: { expires_at: time },
    }),
  ).toMatchObject({
    accepted_at: time,
    lease_constraints: { expires_at: time },
  });
});

test("R-8.1-3: an event without a body has an empty body", () => {
  expect(payloadOf("job.event", { kind: "thought" })).toEqual({ kind: "thought", body: {} });
});
