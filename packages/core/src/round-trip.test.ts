import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogue, type MessageType, type Payload } from "./catalogue.ts";
import { decode, encode, type Outgoing } from "./codec.ts";
import { readEvent } from "./event.ts";
import { features } from "./feature.ts";
import type { JobId, MessageId, SessionId } from "./ids.ts";
import type { Lease } from "./lease.ts";
import { jobStatuses } from "./lifecycle.ts";
import { formatTimestamp } from "./timestamp.ts";

const text = fc.string({ unit: "binary", maxLength: 40 });
const id = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
const messageId = id as fc.Arbitrary<string> as fc.Arbitrary<MessageId>;
const jobId = id as fc.Arbitrary<string> as fc.Arbitrary<JobId>;
const sessionId = id as fc.Arbitrary<string> as fc.Arbitrary<SessionId>;
const sequence = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
/** What JSON can express: there is no -0, and objects without a prototype are out of scope. */
const plain = <V>(value: V): V => JSON.parse(JSON.stringify(value)) as V;
const json = fc.jsonValue().map(plain);
const object = fc.dictionary(text, json, { maxKeys: 4 }).map(plain);
const time = fc.integer({ min: 0, max: Date.UTC(9999, 0, 1) }).map(formatTimestamp);
const status = fc.constantFrom(...jobStatuses);
const texts = fc.array(text, { maxLength: 4 });
const lease: fc.Arbitrary<Lease> = fc.record(
  {
    "fs.read": fc.array(id, { maxLength: 3 }),
    "tool.call": fc.array(id, { maxLength: 3 }),
    "cost.budget": fc.array(fc.constant("EUR:12.50"), { maxLength: 3 }),
    "x-vendor.acme.gpu": fc.array(id, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);
const lease_constraints = fc.record({ expires_at: time }, { requiredKeys: [] });
const amount = fc.double({ noNaN: true, noDefaultInfinity: true });
const budget = fc
  .dictionary(fc.constantFrom("EUR", "USD", "credits", "__proto__"), amount)
  .map(plain);
const auth = fc.record({ scheme: text, token: text });
const peer = fc.record(
  { name: text, version: text, fingerprint: text, principal: text },
  { requiredKeys: [] },
);
const capabilities = fc.record(
  { encodings: texts, features: fc.array(fc.constantFrom(...features)), "x-vendor.acme.x": json },
  { requiredKeys: [] },
);
const errorFields = { code: id, message: id, retryable: fc.boolean(), details: object };
const credential = fc.record(
  { id: text, scheme: text, value: text, endpoint: text, profile: text, constraints: object },
  { requiredKeys: ["id", "scheme", "value", "endpoint"] },
);
const reason = fc.record({ reason: text }, { requiredKeys: [] });
const resume = { session_id: sessionId, resume_token: id, last_event_seq: sequence };
const agent = fc.record(
  { name: text, versions: texts, default: text },
  { requiredKeys: ["name", "versions"] },
);
const listing = fc.record(
  {
    job_id: jobId,
    agent: text,
    status,
    lease,
    parent_job_id: fc.option(jobId),
    created_at: time,
    trace_id: text,
    last_event_seq: sequence,
    last_job_seq: sequence,
  },
  { requiredKeys: ["job_id", "agent", "status", "lease", "parent_job_id", "created_at"] },
);

/** For each message, every payload that a sender may build. */
const payloads: { [T in MessageType]: fc.Arbitrary<Payload<T>> } = {
  "session.hello": fc.record(
    {
      client: peer,
      auth,
      capabilities,
      resume: fc.record(resume, { requiredKeys: ["resume_token"] }),
      resume_token: id,
      last_event_seq: sequence,
    },
    { requiredKeys: [] },
  ),
  "session.resume": fc.record(
    { ...resume, auth, client: peer, capabilities },
    { requiredKeys: ["resume_token"] },
  ),
  "session.welcome": fc.record(
    {
      runtime: peer,
      resume_token: id,
      resume_window_sec: positive,
      heartbeat_interval_sec: positive,
      capabilities: fc.record(
        {
          encodings: texts,
          features: texts,
          agents: fc.array(agent, { maxLength: 3 }),
          "x-vendor.acme.x": json,
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["resume_token", "resume_window_sec", "capabilities"] },
  ),
  "session.error": fc.record(
    { ...errorFields, request_id: messageId, job_id: jobId },
    { requiredKeys: ["code", "message", "retryable"] },
  ),
  "session.ping": fc.record({ nonce: id, sent_at: time }, { requiredKeys: ["nonce"] }),
  "session.pong": fc.record(
    { ping_nonce: id, received_at: time },
    { requiredKeys: ["ping_nonce"] },
  ),
  "session.ack": fc.record({ last_processed_seq: sequence }),
  "session.list_jobs": fc.record(
    {
      filter: fc.record(
        { status: fc.array(status), agent: text, created_after: time, created_before: time },
        { requiredKeys: [] },
      ),
      limit: positive,
      cursor: text,
    },
    { requiredKeys: [] },
  ),
  "session.jobs": fc.record(
    {
      request_id: messageId,
      jobs: fc.array(listing, { maxLength: 3 }),
      next_cursor: fc.option(text),
    },
    { requiredKeys: ["jobs", "next_cursor"] },
  ),
  "session.close": reason,
  "session.closed": fc.record({ request_id: messageId, reason: text }, { requiredKeys: [] }),
  "session.bye": reason,
  "job.submit": fc.record(
    {
      agent: text,
      input: json,
      lease_request: lease,
      lease_constraints,
      idempotency_key: id,
      max_runtime_sec: positive,
      parent_job_id: jobId,
      extensions: object,
    },
    { requiredKeys: ["agent", "input"] },
  ),
  "job.accepted": fc.record(
    {
      request_id: messageId,
      job_id: jobId,
      agent: text,
      lease,
      lease_constraints,
      budget,
      credentials: fc.array(credential, { maxLength: 2 }),
      accepted_at: time,
      parent_job_id: jobId,
      delegate_id: text,
      trace_id: text,
    },
    { requiredKeys: ["job_id", "agent", "lease"] },
  ),
  "job.event": fc.record({ kind: id, ts: time, body: object }, { requiredKeys: ["kind", "body"] }),
  "job.result": fc.record(
    {
      final_status: fc.constant("success"),
      result: json,
      output: json,
      result_id: text,
      result_size: sequence,
      summary: text,
    },
    { requiredKeys: ["final_status"] },
  ),
  "job.error": fc.record(
    {
      final_status: fc.constantFrom("error", "cancelled", "timed_out"),
      ...errorFields,
      request_id: messageId,
    },
    { requiredKeys: ["final_status", "code", "message", "retryable"] },
  ),
  "job.cancel": fc.record({ job_id: jobId, reason: text }, { requiredKeys: [] }),
  "job.cancelled": fc.record(
    { request_id: messageId, job_id: jobId, reason: text, current_status: status },
    { requiredKeys: [] },
  ),
  "job.subscribe": fc.oneof(
    fc.record(
      { job_id: jobId, history: fc.boolean(), from_event_seq: sequence },
      { requiredKeys: [] },
    ),
    fc.record(
      { job_id: jobId, history: fc.boolean(), from_job_seq: sequence },
      { requiredKeys: [] },
    ),
  ),
  "job.subscribed": fc.record(
    {
      request_id: messageId,
      job_id: jobId,
      current_status: status,
      agent: text,
      lease,
      lease_constraints,
      budget,
      credentials: fc.array(credential, { maxLength: 2 }),
      parent_job_id: fc.option(jobId),
      trace_id: text,
      subscribed_from: sequence,
      replayed: fc.boolean(),
      truncated: fc.boolean(),
      last_job_seq: sequence,
    },
    { requiredKeys: ["job_id", "current_status", "agent", "lease", "parent_job_id"] },
  ),
  "job.unsubscribe": fc.record({ job_id: jobId }, { requiredKeys: [] }),
};

const header = fc.record(
  {
    id: messageId,
    session_id: sessionId,
    job_id: jobId,
    trace_id: text,
    event_seq: positive,
    job_seq: positive,
    extensions: object,
  },
  { requiredKeys: ["id"] },
);

const types = Object.keys(catalogue) as MessageType[];

test.each(types)("R-5.1-1, R-5.2-6: %s survives the wire unchanged", (type) => {
  fc.assert(
    fc.property(header, payloads[type] as fc.Arbitrary<Payload<MessageType>>, (head, payload) => {
      const frame = encode({ ...head, type, payload } as Outgoing<MessageType>);
      const decoded = decode(frame);
      expect(decoded).toEqual({ kind: "ok", message: { arcp: "1.1", ...head, type, payload } });
      // Nor is a key lost, added or turned into a prototype on the way back.
      if (decoded.kind === "ok") {
        expect(canonical(JSON.parse(encode(decoded.message)))).toBe(canonical(JSON.parse(frame)));
      }
    }),
  );
});

/** JSON with its keys sorted, since schemas put them in their own order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}

const runs = { numRuns: 1000 };

function neverThrows(frame: string): void {
  const decoded = decode(frame);
  expect(["ok", "unknown", "malformed"]).toContain(decoded.kind);
  if (decoded.kind === "malformed") {
    expect(decoded.reason.length).toBeGreaterThan(0);
    expect(decoded.reason.length).toBeLessThanOrEqual(300);
  } else if (decoded.kind === "ok") {
    expect(decode(encode(decoded.message)).kind).toBe("ok");
    if (decoded.message.type === "job.event") readEvent(decoded.message.payload);
  }
}

test("R-5.3-1: no text makes decoding throw", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), neverThrows), runs);
});

test("R-5.3-1: no JSON makes decoding throw", () => {
  fc.assert(fc.property(fc.json(), neverThrows), runs);
});

test("R-5.3-1: no JSON in place of a payload or a header field makes decoding throw", () => {
  const fields = fc.record(
    {
      ...{ arcp: json, session_id: json, job_id: json, trace_id: json },
      ...{ event_seq: json, job_seq: json, extensions: json, payload: json },
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...types), fields, (type, rest) => {
      neverThrows(JSON.stringify({ id: "a", type, ...rest }));
    }),
    runs,
  );
});

test("R-5.3-1: no JSON in place of any field of a payload makes decoding throw", () => {
  const mutated = fc
    .constantFrom(...types)
    .chain((type) =>
      fc.tuple(fc.constant(type), payloads[type] as fc.Arbitrary<object>, fc.nat(), json),
    );
  fc.assert(
    fc.property(mutated, ([type, payload, pick, value]) => {
      const keys = Object.keys(payload);
      const key = keys[pick % Math.max(1, keys.length)] ?? "x";
      neverThrows(JSON.stringify({ id: "a", type, payload: { ...payload, [key]: value } }));
    }),
    runs,
  );
});

test("R-5.3-1: no damage to a frame makes decoding throw", () => {
  const damaged = fc
    .constantFrom(...types)
    .chain((type) =>
      fc.tuple(
        fc.constant(type),
        payloads[type] as fc.Arbitrary<object>,
        fc.nat(),
        fc.nat({ max: 5 }),
        text,
      ),
    );
  fc.assert(
    fc.property(damaged, ([type, payload, where, cut, insert]) => {
      const frame = JSON.stringify({ id: "a", type, payload });
      const at = where % frame.length;
      neverThrows(frame.slice(0, at) + insert + frame.slice(at + cut));
    }),
    runs,
  );
});
