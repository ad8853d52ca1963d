import { expect, test } from "vitest";
import { type Decoded, decode, encode } from "./codec.ts";
import { isCompatibleVersion, PROTOCOL_VERSION } from "./envelope.ts";
import type { MessageId, SessionId } from "./ids.ts";

const header = { arcp: "1.1", id: "m1", session_id: "s1" };

function read(message: unknown): Decoded {
  return decode(JSON.stringify(message));
}

function payloadOf(decoded: Decoded): unknown {
  if (decoded.kind !== "ok") throw new Error(`not ok: ${JSON.stringify(decoded)}`);
  return decoded.message.payload;
}

function reasonOf(decoded: Decoded): string {
  if (decoded.kind !== "malformed") throw new Error(`not malformed: ${JSON.stringify(decoded)}`);
  return decoded.reason;
}

test("a message that fits its schema is ok, with header and payload", () => {
  const message = {
    ...header,
    type: "job.event",
    job_id: "j1",
    event_seq: 17,
    job_seq: 3,
    trace_id: "9f2c41d07be84a6392d5e8b1c03f7a64",
    extensions: { "x-vendor.acme.x": 1, optional: true },
    payload: { kind: "status", ts: "2026-11-02T08:15:30.250Z", body: { phase: "indexing" } },
  };
  expect(read(message)).toEqual({ kind: "ok", message });
});

test.each([
  ["x-vendor.acme.hello", { optional: true }, true],
  ["x-vendor.acme.hello", { optional: false }, false],
  ["x-vendor.acme.hello", { optional: "true" }, false],
  ["x-vendor.acme.hello", {}, false],
  ["x-vendor.acme.hello", undefined, false],
  ["session.open", undefined, false],
  ["job.completed", undefined, false],
  ["tool.invoke", undefined, false],
  ["__proto__", undefined, false],
  ["constructor", undefined, false],
])(
  "R-5.3-3, R-5.3-4: %s with extensions %j is unknown, optional: %s",
  (type, extensions, optional) => {
    // The payload does not matter: absent, null or anything else.
    for (const payload of [undefined, null, 5, {}]) {
      expect(read({ ...header, type, extensions, payload })).toMatchObject({
        kind: "unknown",
        optional,
        header: { id: "m1", type, session_id: "s1" },
      });
    }
  },
);

test.each(["", " ", "{", "nonsense", "{'id':1}", '{"id":"a"', "\u0000", "NaN"])(
  "R-5.3-1: %j is not JSON",
  (text) => {
    expect(decode(text)).toMatchObject({ kind: "malformed", id: undefined, type: undefined });
    expect(reasonOf(decode(text))).toContain("JSON");
  },
);

test.each(["null", "5", '"text"', "true", "[]", '[{"id":"a"}]'])(
  "R-5.3-1: %s is not a JSON object",
  (text) => {
    expect(reasonOf(decode(text))).toBe("the message is not a JSON object");
  },
);

test.each([
  ["id", { id: undefined }],
  ["id", { id: null }],
  ["id", { id: "" }],
  ["id", { id: 5 }],
  ["id", { id: "x".repeat(129) }],
  ["type", { type: undefined }],
  ["type", { type: "" }],
  ["type", { type: ["session.close"] }],
  ["arcp", { arcp: 1.1 }],
  ["session_id", { session_id: "" }],
  ["session_id", { session_id: 5 }],
  ["session_id", { session_id: "x".repeat(129) }],
  ["job_id", { job_id: {} }],
  ["event_seq", { event_seq: 0 }],
  ["event_seq", { event_seq: -1 }],
  ["event_seq", { event_seq: 1.5 }],
  ["event_seq", { event_seq: "1" }],
  ["event_seq", { event_seq: 2 ** 53 }],
  ["job_seq", { job_seq: 0 }],
  ["extensions", { extensions: [] }],
  ["payload", { payload: undefined }],
  ["payload", { payload: null }],
  ["payload", { payload: [] }],
  ["payload", { payload: "{}" }],
])("R-5.3-1, R-5.3-6: a wrong %s is malformed, and the reason names it: %j", (field, wrong) => {
  const decoded = read({ ...header, type: "session.close", payload: {}, ...wrong });
  expect(reasonOf(decoded)).toMatch(new RegExp(`^${field}: .`));
});

test.each([
  ["payload.agent", "job.submit", {}],
  [
    "payload.lease_request.fs.delete",
    "job.submit",
    { agent: "a", lease_request: { "fs.delete": [] } },
  ],
  [
    "payload.lease_constraints.expires_at",
    "job.submit",
    { agent: "a", lease_constraints: { expires_at: "soon" } },
  ],
  ["payload.max_runtime_sec", "job.submit", { agent: "a", max_runtime_sec: 0 }],
  ["payload.idempotency_key", "job.submit", { agent: "a", idempotency_key: "" }],
  ["payload.filter.status.1", "session.list_jobs", { filter: { status: ["running", "done"] } }],
  ["payload.last_processed_seq", "session.ack", { last_processed_seq: -1 }],
  ["payload.resume.resume_token", "session.hello", { resume: {} }],
])("R-5.3-6: the reason names %s", (path, type, payload) => {
  const reason = reasonOf(read({ ...header, type, payload }));
  expect(reason.startsWith(`${path}: `), reason).toBe(true);
});

test.each([
  ["id", { type: "session.close", payload: {} }],
  ["type", { id: "m1", payload: {} }],
  ["payload", { ...header, type: "session.list_jobs" }],
  ["payload.agent", { ...header, type: "job.submit", payload: {} }],
  ["payload.resume.resume_token", { ...header, type: "session.hello", payload: { resume: {} } }],
  ["payload.final_status", { ...header, type: "job.result", payload: { result: 1 } }],
])(
  "R-5.3-6: a missing %s is said to be missing, in words that are not JavaScript's",
  (path, frame) => {
    expect(reasonOf(read(frame))).toBe(`${path}: is missing`);
  },
);

test("R-7.6-11: from_event_seq and from_job_seq are mutually exclusive, and the reason names both", () => {
  const payload = { job_id: "j", history: true, from_event_seq: 0, from_job_seq: 0 };
  const reason = reasonOf(read({ ...header, type: "job.subscribe", payload }));
  expect(reason).toContain("from_event_seq");
  expect(reason).toContain("from_job_seq");
});

test("R-5.3-6: a reason never quotes a value of the frame, and stays short", () => {
  const secret = "hunter2".repeat(100);
  const frames = [
    { ...header, type: "session.hello", payload: { auth: secret } },
    { ...header, type: "session.hello", payload: { auth: { scheme: "bearer", token: [secret] } } },
    { ...header, type: "session.list_jobs", payload: { filter: { status: [secret] } } },
    { ...header, type: "session.list_jobs", payload: { filter: { created_after: secret } } },
    { ...header, type: "job.error", payload: { final_status: secret, code: secret } },
    { ...header, id: secret, type: "session.close", payload: {} },
  ];
  for (const frame of frames) expect(reasonOf(read(frame))).not.toContain("hunter2");
  expect(decode(`{"id": "${secret}`)).toMatchObject({ reason: "the message is not valid JSON" });
  for (const namespace of [`k${"x".repeat(5000)}`, `x-vendor.acme.${"x".repeat(5000)}`]) {
    const payload = { agent: "a", lease_request: { [namespace]: 5 } };
    const long = read({ ...header, type: "job.submit", payload });
    expect(reasonOf(long).length).toBeLessThanOrEqual(300);
  }
});

test("R-5.4-2: a malformed message keeps its id and type if they are readable, and nothing else", () => {
  expect(read({ id: "m1", type: "job.submit", payload: {} })).toMatchObject({
    id: "m1",
    type: "job.submit",
  });
  expect(read({ id: "m1", type: 5 })).toMatchObject({ id: "m1", type: undefined });
  for (const id of ["", "x".repeat(129)]) {
    expect(read({ id, type: "job.submit" })).toMatchObject({ id: undefined, type: "job.submit" });
  }
  const longest = "x".repeat(128);
  expect(read({ id: longest, type: 5 })).toMatchObject({ id: longest });
});

test("R-8.1-3: a message that is malformed only in its payload keeps its header, so that its number counts", () => {
  const payload = { kind: "status", body: "not an object" };
  const event = { ...header, type: "job.event", job_id: "j1", event_seq: 9, payload };
  expect(read(event)).toMatchObject({
    kind: "malformed",
    header: { event_seq: 9, job_id: "j1", session_id: "s1" },
    payload,
  });
  expect(read({ ...event, event_seq: "9" })).toMatchObject({
    header: undefined,
    payload: undefined,
  });
});

test("R-5.2-1: null in an optional field means absent, in the envelope and in the payload", () => {
  const nothing = {
    session_id: null,
    job_id: null,
    trace_id: null,
    event_seq: null,
    job_seq: null,
  };
  const decoded = read({
    ...{ ...nothing, arcp: null, extensions: null, id: "m1" },
    type: "session.close",
    payload: { reason: null },
  });
  expect(decoded).toEqual({
    kind: "ok",
    message: { id: "m1", type: "session.close", payload: {} },
  });
});

test("R-5.1-7: unknown fields are ignored in the envelope, in payloads and deeper", () => {
  const decoded = read({
    ...{ ...header, timestamp: "2026", zzz: { a: 1 } },
    type: "session.list_jobs",
    payload: { limit: 5, colour: "red", filter: { agent: "a", shape: 1 } },
  });
  expect(payloadOf(decoded)).toEqual({ limit: 5, filter: { agent: "a" } });
});

test("R-5.2-6: __proto__ and constructor in an input are plain data, and pollute no prototype", () => {
  const input = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}';
  const frame = `{"id":"a","type":"job.submit","__proto__":{"session_id":"evil"},"payload":{"agent":"a","__proto__":{"max_runtime_sec":1},"input":${input}}}`;
  const decoded = decode(frame);
  if (decoded.kind !== "ok" || decoded.message.type !== "job.submit") throw new Error("not ok");
  const { message } = decoded;
  expect(JSON.stringify(message.payload.input)).toBe(input);
  expect(message.session_id).toBeUndefined();
  expect(message.payload.max_runtime_sec).toBeUndefined();
  expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  expect(encode(message)).toContain(input);
});

test("R-5.2-6: a __proto__ in a lease cannot smuggle in a capability", () => {
  const lease = '{"__proto__":{"fs.read":["/**"]}}';
  const frame = `{"id":"a","type":"job.submit","payload":{"agent":"a","lease_request":${lease}}}`;
  expect(reasonOf(decode(frame))).toContain("payload.lease_request.__proto__");
});

test.each([
  ['{"__proto__":{"optional":true}}', "extensions"],
  ['{"constructor":{"optional":true}}', "extensions"],
])("R-5.2-6: %s in the extensions does not make a message optional", (extensions) => {
  const decoded = decode(`{"id":"a","type":"x-vendor.acme.x","extensions":${extensions}}`);
  expect(decoded).toMatchObject({ kind: "unknown", optional: false });
});

test("R-5.2-7: 200,000 nested arrays or objects are rejected without a stack overflow", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const objects = `${'{"a":'.repeat(200_000)}0${"}".repeat(200_000)}`;
  const unclosed = "[".repeat(200_000);
  for (const input of [deep, objects, unclosed]) {
    const frame = `{"id":"a","type":"job.submit","payload":{"agent":"a","input":${input}}}`;
    for (const text of [input, frame]) expect(reasonOf(decode(text))).toContain("128");
  }
});

test("R-5.2-7: 128 levels are accepted, 129 are not, and brackets in strings do not count", () => {
  const submit = (levels: number): string => {
    const input = "[".repeat(levels - 2) + "]".repeat(levels - 2);
    return `{"id":"a","type":"job.submit","payload":{"agent":"a","input":${input}}}`;
  };
  expect(decode(submit(128)).kind).toBe("ok");
  expect(decode(submit(129)).kind).toBe("malformed");
  const input = '[{"'.repeat(1000);
  expect(
    payloadOf(read({ ...header, type: "job.submit", payload: { agent: "a", input } })),
  ).toEqual({
    agent: "a",
    input,
  });
});

test("R-5.1-1: every envelope is sent as version 1.1, even if it was received without a version or with another", () => {
  for (const arcp of [undefined, "1", "1.7"]) {
    const decoded = read({ arcp, id: "a", type: "session.bye", payload: {} });
    if (decoded.kind !== "ok") throw new Error("not ok");
    expect(JSON.parse(encode(decoded.message))).toEqual({
      arcp: PROTOCOL_VERSION,
      id: "a",
      type: "session.bye",
      payload: {},
    });
  }
});

test("R-5.2-1: a sender omits undefined fields, and writes null where a listing requires it", () => {
  const frame = encode<"session.jobs">({
    id: "m" as MessageId,
    type: "session.jobs",
    session_id: "s" as SessionId,
    trace_id: undefined,
    payload: { request_id: undefined, jobs: [], next_cursor: null },
  });
  expect(JSON.parse(frame)).toEqual({
    arcp: "1.1",
    id: "m",
    type: "session.jobs",
    session_id: "s",
    payload: { jobs: [], next_cursor: null },
  });
});

test("R-4.2-1: a frame is one line, whatever its strings contain", () => {
  const frame = encode<"session.bye">({
    id: "m" as MessageId,
    type: "session.bye",
    payload: { reason: "a\nb\r\nc\u2028d\ud800" },
  });
  expect(frame).not.toMatch(/[\n\r]/);
  expect(frame.startsWith('{"arcp":"1.1"')).toBe(true);
});

test.each([undefined, "1", "1.0", "1.1", "1.27"])(
  "R-5.1-2: version %s is compatible",
  (version) => {
    expect(isCompatibleVersion(version)).toBe(true);
  },
);

test.each(["", "0.9", "2", "2.0", "10", "11.1", "1.", "v1", "1.x", " 1", "1\n", "1.1\n"])(
  "R-5.1-2: version %j is not compatible",
  (version) => {
    expect(isCompatibleVersion(version)).toBe(false);
  },
);
