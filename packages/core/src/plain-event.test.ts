// `toStrictEqual` takes a field named `constructor` for the object's class.
import { deepStrictEqual, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decode } from "./codec.ts";
import { EnvelopeHeader } from "./envelope.ts";
import { eventBodies, logLevels, readEvent } from "./event.ts";
import { JobEvent } from "./job-messages.ts";
import { isPlainEvent } from "./plain-event.ts";

type Document = Record<string, unknown>;

const RUNS = 20_000;

/** What JSON can express: there is no -0, and `__proto__` is a field like any other. */
const parsed = (value: unknown): Document => JSON.parse(JSON.stringify(value)) as Document;

const time = fc.constantFrom(
  "2026-11-02T08:15:30.250Z",
  "2026-11-02t08:15:30+01:00",
  "2026-02-30T08:15:30Z",
  "2016-12-31T23:59:60Z",
  "2026-11-02",
  "soon",
);
const text = fc.string({ unit: "binary", maxLength: 3 });
/** Around the limit of 128, in characters of one and of two code units. */
const long = fc
  .record({ unit: fc.constantFrom("x", "😀"), times: fc.integer({ min: 62, max: 130 }) })
  .map(({ unit, times }) => unit.repeat(times));
const odd = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1, 1.5, 2 ** 53, 2 ** 53 - 1, "", "job.event", "x", [], {}),
  time,
  text,
  long,
  fc.jsonValue({ maxDepth: 2 }),
);
const field = fc.constantFrom(
  ...["arcp", "id", "type", "session_id", "job_id", "trace_id", "event_seq", "job_seq"],
  ...["extensions", "payload", "kind", "ts", "body", "level", "message", "attributes", "fields"],
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

const body = changed(
  fc.record({
    level: fc.constantFrom(...logLevels, "INFO", "verbose"),
    message: text,
    attributes: fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 }),
  }),
);
const payload = changed(
  fc.record({ kind: fc.constantFrom("log", "status", "x-vendor.acme.x"), ts: time, body }),
);
const event = changed(
  fc.record({
    arcp: fc.constant("1.1"),
    id: fc.oneof(fc.constant("msg_1"), long),
    type: fc.constant("job.event"),
    session_id: fc.constant("sess_1"),
    job_id: fc.oneof(fc.constant("job_1"), long),
    trace_id: text,
    event_seq: fc.integer({ min: 1 }),
    job_seq: fc.integer({ min: 1 }),
    payload,
  }),
);

/** The message that the schemas make of a document; undefined if they refuse it. */
function bySchema(document: Document): unknown {
  const header = EnvelopeHeader.safeParse(document);
  const read = JobEvent.safeParse(document["payload"]);
  if (!header.success || !read.success || header.data.type !== "job.event") return undefined;
  return { ...header.data, payload: read.data };
}

test("R-8.1-1: a plain event is decoded field by field as by the schemas, and so is any other frame", () => {
  const seen = { plain: 0, other: 0 };
  const property = fc.property(event, (document) => {
    const isPlain = isPlainEvent(document);
    seen[isPlain ? "plain" : "other"] += 1;
    const message = bySchema(document);
    if (isPlain) deepStrictEqual(message, document);
    const decoded = decode(JSON.stringify(document));
    if (message === undefined) notEqual(decoded.kind, "ok");
    else deepStrictEqual(decoded, { kind: "ok", message });
  });
  fc.assert(property, { numRuns: RUNS });
  // Otherwise the property above would prove nothing.
  expect(Math.min(seen.plain, seen.other)).toBeGreaterThan(RUNS / 50);
});

test("R-8.1-3: on either path, the body of a log is decoded as its schema says", () => {
  const seen = { known: 0, opaque: 0 };
  const property = fc.property(body, (candidate) => {
    const read = readEvent({ kind: "log", ts: undefined, body: candidate });
    const expected = eventBodies.log.safeParse(candidate);
    seen[expected.success ? "known" : "opaque"] += 1;
    deepStrictEqual(
      read,
      expected.success
        ? { kind: "log", body: expected.data }
        : { kind: "opaque", name: "log", body: candidate },
    );
  });
  fc.assert(property, { numRuns: RUNS });
  expect(Math.min(seen.known, seen.opaque)).toBeGreaterThan(RUNS / 50);
});

const plain = {
  arcp: "1.1",
  session_id: "sess_1",
  event_seq: 2,
  id: "msg_1",
  type: "job.event",
  job_id: "job_1",
  trace_id: "9f2c41d07be84a6392d5e8b1c03f7a64",
  job_seq: 1,
  payload: { kind: "log", ts: "2026-11-02T08:15:30.250Z", body: { level: "info", message: "a" } },
};

test("an event as the runtime sends it is plain", () => {
  expect(isPlainEvent(plain)).toBe(true);
  expect(isPlainEvent({ ...plain, extensions: { optional: true } })).toBe(true);
});

test.each([
  { type: "job.result" },
  { id: "x".repeat(129) },
  { id: undefined },
  { job_id: null },
  { event_seq: 2 ** 53 },
  { event_seq: 0 },
  { job_seq: 0 },
  { trace_id: 5 },
  { priority: 1 },
  { payload: { kind: "log", body: {}, ts: null } },
  { payload: { kind: "log", body: {}, ts: "soon" } },
  { payload: { kind: "log" } },
  { payload: { kind: "log", body: null } },
  { payload: { body: {} } },
  { payload: { kind: "", body: {} } },
  { payload: { kind: "log", body: {}, more: 1 } },
])("an event with %j is not plain", (change) => {
  expect(isPlainEvent({ ...plain, ...change })).toBe(false);
});
