import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EventKind,
  eventBodies,
  isEmittableKind,
  isEventKind,
  logLevels,
  readEvent,
} from "./event.ts";

interface Case {
  minimal: Record<string, unknown>;
  maximal?: Record<string, unknown>;
  invalid: Array<Record<string, unknown>>;
}

const error = { code: "PERMISSION_DENIED", message: "no", retryable: false, details: { a: 1 } };
const chunk = { result_id: "r", chunk_seq: 0, data: "", encoding: "utf8", more: false };
const artifact = { uri: "https://files.acme.test/9.bin", content_type: "application/octet-stream" };

/** Section 8.2 and the delegate of section 10. */
const cases: Record<EventKind, Case> = {
  log: {
    minimal: { level: "warn", message: "" },
    maximal: { level: "critical", message: "m", attributes: { page: 77, deep: [{}] } },
    invalid: [
      { level: "warn" },
      { message: "m" },
      { level: "loud", message: "m" },
      { level: 3, message: "m" },
      { level: "warn", message: "m", attributes: [] },
    ],
  },
  thought: { minimal: { text: "" }, invalid: [{}, { text: 5 }, { text: null }] },
  tool_call: {
    minimal: { tool: "ocr.page", call_id: "c" },
    maximal: { tool: "ocr.page", call_id: "c", args: [1, null, { a: 1 }] },
    invalid: [
      { tool: "t" },
      { call_id: "c" },
      { tool: "", call_id: "c" },
      { tool: "t", call_id: "" },
    ],
  },
  tool_result: {
    minimal: { call_id: "c", result: null },
    maximal: { call_id: "c", error },
    invalid: [
      { call_id: "c" },
      { call_id: "c", error: null },
      { call_id: "c", result: 1, error },
      { result: 1 },
      { call_id: "", result: 1 },
      { call_id: "c", error: "no" },
      { call_id: "c", error: { message: "no" } },
    ],
  },
  status: {
    minimal: { phase: "merging" },
    maximal: { phase: "merging", message: "m", id: "x", details: { a: 1 } },
    invalid: [{}, { phase: "" }, { phase: 5 }, { phase: "p", message: 5 }],
  },
  metric: {
    minimal: { name: "n", value: 0 },
    maximal: { name: "cost.ocr", value: -0.018, unit: "EUR", dimensions: { engine: "tess-5" } },
    invalid: [
      { name: "n" },
      { value: 1 },
      { name: "", value: 1 },
      { name: "n", value: "1" },
      { name: "n", value: Number.POSITIVE_INFINITY },
      { name: "n", value: Number.NaN },
      { name: "n", value: 1, dimensions: { a: 1 } },
    ],
  },
  artifact_ref: {
    minimal: artifact,
    maximal: { ...artifact, byte_size: 0, sha256: "aB".repeat(32) },
    invalid: [
      { uri: "u" },
      { content_type: "c" },
      { ...artifact, uri: "" },
      { ...artifact, byte_size: -1 },
      { ...artifact, byte_size: 1.5 },
      { ...artifact, sha256: "ab" },
      { ...artifact, sha256: "g".repeat(64) },
      { ...artifact, sha256: `${"a".repeat(64)}\n` },
    ],
  },
  delegate: {
    minimal: { delegate_id: "d-1", agent: "translator" },
    maximal: {
      delegate_id: "d-1",
      child_job_id: "j",
      agent: "translator",
      input: { page: 78 },
      lease_request: { "model.use": ["m/*"] },
      lease_constraints: { expires_at: "2026-11-02T09:00:00Z" },
      max_runtime_sec: 1,
    },
    invalid: [
      { delegate_id: "" },
      { agent: 5 },
      { agent: "a", max_runtime_sec: 0 },
      { agent: "a", lease_request: [] },
      { agent: "a", lease_constraints: { expires_at: "soon" } },
    ],
  },
  progress: {
    minimal: { current: 0 },
    maximal: { current: 310.5, total: 12, units: "pages", message: "m" },
    invalid: [
      {},
      { current: -1 },
      { current: "1" },
      { current: 1, total: -1 },
      { current: Number.POSITIVE_INFINITY },
    ],
  },
  result_chunk: {
    minimal: chunk,
    maximal: { ...chunk, encoding: "base64", data: "AA==", chunk_seq: 9, more: true },
    invalid: ["result_id", "chunk_seq", "data", "encoding", "more"]
      .map(
        (key) =>
          Object.fromEntries(Object.entries(chunk).filter(([k]) => k !== key)) as Record<
            string,
            unknown
          >,
      )
      .concat([
        { ...chunk, chunk_seq: -1 },
        { ...chunk, chunk_seq: 0.5 },
        { ...chunk, encoding: "utf16" },
        { ...chunk, more: "false" },
        { ...chunk, result_id: "" },
      ]),
  },
};

test("section 8.2: there are exactly these kinds", () => {
  expect(Object.keys(eventBodies).sort()).toEqual(Object.keys(cases).sort());
});

describe.each(Object.entries(cases) as Array<[EventKind, Case]>)(
  "%s",
  (kind, { minimal, maximal, invalid }) => {
    test("R-8.1-2: a minimal and a maximal body are valid and decode unchanged", () => {
      for (const body of [minimal, maximal ?? minimal]) {
        expect(readEvent({ kind, body })).toEqual({ kind, body });
      }
    });

    test("R-5.2-1: null in an optional field means absent", () => {
      const known = Object.keys(maximal ?? {}).filter((key) => !(key in minimal) && key !== "id");
      const nulls = Object.fromEntries(known.map((key) => [key, null]));
      const keep = Object.fromEntries(
        ["args", "input", "details"].filter((k) => k in nulls).map((k) => [k, null]),
      );
      const body = kind === "tool_result" ? { ...minimal, error: null } : { ...nulls, ...minimal };
      expect(readEvent({ kind, body })).toEqual({ kind, body: { ...keep, ...minimal } });
    });

    test.each(invalid)("R-8.1-2, R-8.1-3: %j is invalid, and opaque to a reader", (body) => {
      expect(eventBodies[kind].safeParse(body).success).toBe(false);
      expect(readEvent({ kind, body })).toEqual({ kind: "opaque", name: kind, body });
    });
  },
);

test.each(logLevels)("section 8.2: the level %s is read in any case", (level) => {
  expect(
    readEvent({ kind: "log", body: { level: level.toUpperCase(), message: "m" } }),
  ).toMatchObject({
    body: { level },
  });
});

test("R-8.2-1: a null result beside an error means absent, not a second outcome", () => {
  const read = readEvent({ kind: "tool_result", body: { call_id: "c", result: null, error } });
  expect(read).toEqual({ kind: "tool_result", body: { call_id: "c", error } });
});

test("R-8.2-4, R-15-2: unknown kinds come out unchanged, vendor kinds under their own names", () => {
  const body = JSON.parse('{"__proto__":{"a":1},"score":0.83}') as Record<string, unknown>;
  for (const kind of ["x-vendor.acme.confidence", "x-acme-profiling", "x-Weird", "x-"]) {
    const read = readEvent({ kind, body });
    expect(read.kind).toBe(kind);
    expect(read.body).toBe(body);
  }
  for (const name of ["telemetry", "constructor", "__proto__", "X-Weird", "opaque"]) {
    const read = readEvent({ kind: name, body });
    expect(read).toMatchObject({ kind: "opaque", name });
    expect(read.body).toBe(body);
  }
});

test("R-5.2-6: __proto__ among a metric's dimensions is a dimension", () => {
  const body = JSON.parse('{"name":"n","value":1,"dimensions":{"__proto__":"v"}}') as Record<
    string,
    unknown
  >;
  expect(JSON.stringify(readEvent({ kind: "metric", body }).body)).toBe(JSON.stringify(body));
});

test("R-5.2-6: __proto__ in a status adds no fields to it", () => {
  const body = JSON.parse('{"phase":"p","__proto__":{"id":"evil"}}') as Record<string, unknown>;
  expect(
    (readEvent({ kind: "status", body }).body as Record<string, unknown>)["id"],
  ).toBeUndefined();
});

test("R-8.1-2: an agent may emit reserved and vendor kinds and nothing else", () => {
  for (const kind of [...Object.keys(cases), "x-vendor.acme.confidence"]) {
    expect(isEmittableKind(kind), kind).toBe(true);
  }
  for (const kind of [
    "",
    "x-acme",
    "x-vendor.acme",
    "Log",
    "telemetry",
    "constructor",
    "__proto__",
  ]) {
    expect(isEmittableKind(kind), kind).toBe(false);
    expect(isEventKind(kind), kind).toBe(false);
  }
});

test("R-8.1-3: reading never throws, whatever the body is", () => {
  const field = fc.constantFrom(
    ...Object.values(cases).flatMap(({ maximal, minimal }) =>
      Object.keys({ ...minimal, ...maximal }),
    ),
  );
  const body = fc.dictionary(field, fc.jsonValue());
  fc.assert(
    fc.property(fc.constantFrom(...(Object.keys(cases) as EventKind[])), body, (kind, value) => {
      const read = readEvent({ kind, body: value });
      expect([kind, "opaque"]).toContain(read.kind);
    }),
    { numRuns: 500 },
  );
});

test("R-8.1-3, R-10-3: a delegation that asks for an unknown capability, or for none at all, is still a delegation", () => {
  const body = { delegate_id: "d-1", agent: "a", lease_request: { "fs.delete": ["/**"] } };
  expect(readEvent({ kind: "delegate", body })).toEqual({ kind: "delegate", body });
});
