// `toStrictEqual` takes a field named `constructor` for the object's class.
import { deepStrictEqual, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Submit } from "./client-messages.ts";
import { decode } from "./codec.ts";
import { decodeRequest } from "./decode-request.ts";
import { EnvelopeHeader } from "./envelope.ts";
import { isPlainSubmit } from "./plain-submit.ts";

type Document = Record<string, unknown>;

const RUNS = 20_000;

/** What JSON can express: there is no -0, and `__proto__` is a field like any other. */
const parsed = (value: unknown): Document => JSON.parse(JSON.stringify(value)) as Document;

const text = fc.string({ unit: "binary", maxLength: 3 });
/** Around the limits of 128 and 256, in characters of one and of two code units. */
const long = fc
  .record({
    unit: fc.constantFrom("x", "😀"),
    times: fc.constantFrom(63, 64, 65, 127, 128, 129, 255, 256, 257),
  })
  .map(({ unit, times }) => unit.repeat(times));
const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1,
    1.5,
    2 ** 53,
    2 ** 53 - 1,
    1e300,
    "",
    "job.submit",
    "job.cancel",
    [],
    {},
  ),
  fc.constantFrom(
    { "tool.call": ["*"] },
    { nothing: ["*"] },
    { expires_at: "2026-11-02T08:15:30Z" },
  ),
  text,
  long,
  fc.jsonValue({ maxDepth: 2 }),
);
const field = fc.constantFrom(
  ...["arcp", "id", "type", "session_id", "job_id", "trace_id", "event_seq", "job_seq"],
  ...["extensions", "payload", "agent", "input", "lease_request", "lease_constraints"],
  ...["idempotency_key", "max_runtime_sec", "parent_job_id"],
  ...["__proto__", "constructor", "toString", "x"],
);

/** A document with some fields removed, added or changed. */
function changed(base: fc.Arbitrary<Document>): fc.Arbitrary<Document> {
  const changes = fc.array(fc.tuple(field, fc.option(odd, { nil: undefined })), { maxLength: 3 });
  return fc.tuple(base, changes).map(([document, entries]) => {
    // Defined, since assigning to `__proto__` would not create a field.
    const copy = Object.assign(Object.create(null), document);
    for (const [name, value] of entries) copy[name] = value;
    return parsed(copy);
  });
}

const payload = changed(
  fc.record(
    {
      agent: fc.constantFrom("stepper", "stepper@1", ""),
      input: fc.jsonValue({ maxDepth: 2 }),
      idempotency_key: fc.oneof(fc.constant("key-1"), long),
      max_runtime_sec: fc.constantFrom(1, 60),
      extensions: fc.constant({ optional: true }),
    },
    { requiredKeys: ["agent", "input"] },
  ),
);
const submit = changed(
  fc.record({
    arcp: fc.constant("1.1"),
    id: fc.oneof(fc.constant("msg_1"), long),
    type: fc.constant("job.submit"),
    session_id: fc.constant("sess_1"),
    trace_id: text,
    payload,
  }),
);

/** The message that the schemas make of a document; undefined if they refuse it. */
function bySchema(document: Document): unknown {
  const header = EnvelopeHeader.safeParse(document);
  const read = Submit.safeParse(document["payload"]);
  if (!header.success || !read.success || header.data.type !== "job.submit") return undefined;
  return { ...header.data, payload: read.data };
}

test("R-7.1-1: a plain submit is decoded field by field as by the schemas, and so is any other frame", () => {
  const seen = { plain: 0, other: 0 };
  const property = fc.property(submit, (document) => {
    const isPlain = isPlainSubmit(document);
    seen[isPlain ? "plain" : "other"] += 1;
    const message = bySchema(document);
    if (isPlain) deepStrictEqual(message, document);
    if (document["type"] !== "job.submit") return;
    const decoded = decodeRequest(JSON.stringify(document));
    deepStrictEqual(decode(JSON.stringify(document)), decoded);
    if (message === undefined) notEqual(decoded.kind, "ok");
    else deepStrictEqual(decoded, { kind: "ok", message });
  });
  fc.assert(property, { numRuns: RUNS });
  // Otherwise the property above would prove nothing.
  expect(Math.min(seen.plain, seen.other)).toBeGreaterThan(RUNS / 50);
});

const plain = {
  arcp: "1.1",
  id: "msg_1",
  type: "job.submit",
  session_id: "sess_1",
  payload: { agent: "stepper", input: { events: 0 }, idempotency_key: "key-1" },
};

test("a submit without a lease is plain", () => {
  expect(isPlainSubmit(plain)).toBe(true);
  expect(isPlainSubmit({ ...plain, trace_id: "what is no trace id is ignored later" })).toBe(true);
});

test.each([
  { type: "job.cancel" },
  { id: "" },
  { session_id: null },
  { priority: 1 },
  { payload: { agent: "stepper" } },
  { payload: { input: null } },
  { payload: { agent: 1, input: null } },
  { payload: { agent: "stepper", input: null, lease_request: {} } },
  { payload: { agent: "stepper", input: null, lease_constraints: {} } },
  { payload: { agent: "stepper", input: null, parent_job_id: "job_1" } },
  { payload: { agent: "stepper", input: null, idempotency_key: "" } },
  { payload: { agent: "stepper", input: null, idempotency_key: "x".repeat(257) } },
  { payload: { agent: "stepper", input: null, max_runtime_sec: 0 } },
  { payload: { agent: "stepper", input: null, more: 1 } },
])("a submit with %j is not plain", (change) => {
  expect(isPlainSubmit({ ...plain, ...change })).toBe(false);
});
