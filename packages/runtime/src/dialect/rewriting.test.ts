import { expect, test } from "vitest";
import { exactNumber } from "../exact-number.ts";
import { Dialect } from "./dialect.ts";
import type { Profile } from "./profile.ts";

const profiles: readonly Profile[] = ["draft", "typescript", "java", "go", "csharp"];
const LIMIT = 1024 * 1024;

/** A record as the log has it. */
function textOf(payload: object, type = "job.event"): string {
  return JSON.stringify({ id: "msg_1", type, job_id: "j", job_seq: 3, payload }).slice(1);
}

function sent(profile: Profile, kind: string, text: string): string {
  return new Dialect(profile).rewrites?.[kind]?.(text) ?? text;
}

function payloadOf(text: string): object {
  const { payload, ...rest } = JSON.parse(`{${text}`);
  expect(rest).toMatchObject({ id: "msg_1", job_id: "j", job_seq: 3 });
  return payload;
}

const event = (kind: string, body: object) =>
  textOf({ kind, ts: "2026-11-02T08:21:04.000Z", body });

test("R-D-1: the draft rewrites nothing, so its frames cost nothing", () => {
  expect(new Dialect("draft").rewrites).toBeUndefined();
});

test.each([
  [
    { current: 310.7, total: 1204.2 },
    { current: 310, total: 1204 },
  ],
  [
    { current: 0.4, total: 1 },
    { current: 0, total: 1 },
  ],
  [
    { current: 2.9, total: 2.95, units: "pages", message: "m" },
    { current: 2, total: 2, units: "pages", message: "m" },
  ],
  [{ current: 7.5 }, { current: 7 }],
  [
    { current: 1e21, total: 1e300 },
    { current: 2 ** 53 - 1, total: 2 ** 53 - 1 },
  ],
  [
    { current: 3, total: 9 },
    { current: 3, total: 9 },
  ],
])(
  "R-D-1, R-8.2-2: progress %j is sent as %j to clients that read whole numbers",
  (body, whole) => {
    const text = event("progress", body);
    for (const profile of ["java", "go", "csharp"] as const) {
      expect(payloadOf(sent(profile, "progress", text))).toMatchObject({ body: whole });
    }
    for (const profile of ["draft", "typescript"] as const) {
      expect(sent(profile, "progress", text)).toBe(text);
    }
    if (JSON.stringify(body) === JSON.stringify(whole)) {
      expect(sent("java", "progress", text)).toBe(text);
    }
  },
);

test("R-D-1: an inline result goes to Go under both names, and to the others under one", () => {
  const payload = { final_status: "success", result: { a: [1, null, "é"] }, summary: "s" };
  const text = textOf(payload, "job.result");
  expect(payloadOf(sent("go", "terminal", text))).toEqual({ ...payload, output: payload.result });
  for (const profile of profiles.filter((name) => name !== "go")) {
    expect(sent(profile, "terminal", text)).toBe(text);
  }
  const nothing = textOf({ final_status: "success", result: null }, "job.result");
  expect(payloadOf(sent("go", "terminal", nothing))).toMatchObject({ result: null, output: null });
  for (const other of [
    textOf({ final_status: "success", result_id: "r", result_size: 5 }, "job.result"),
    textOf({ final_status: "error", code: "TIMEOUT", message: "result" }, "job.error"),
  ]) {
    expect(sent("go", "terminal", other)).toBe(other);
  }
});

test("R-4.1-7: what does not fit into a message twice goes under the SDK's name alone", () => {
  const large = "é".repeat(300_000);
  const result = textOf({ final_status: "success", result: large }, "job.result");
  const toGo = sent("go", "terminal", result);
  expect(payloadOf(toGo)).toEqual({ final_status: "success", output: large });
  expect(Buffer.byteLength(toGo)).toBeLessThan(LIMIT);

  const metric = event("metric", { name: "n", value: 1, dimensions: { large } });
  const toTypeScript = sent("typescript", "event", metric);
  expect(payloadOf(toTypeScript)).toMatchObject({ body: { name: "n", value: 1, dims: { large } } });
  expect(payloadOf(toTypeScript)).not.toHaveProperty("body.dimensions");
  expect(Buffer.byteLength(toTypeScript)).toBeLessThan(LIMIT);
});

test("R-D-1: a metric's labels go to TypeScript under both names, and nothing else changes", () => {
  const body = { name: "cost.ocr", value: 0.018, unit: "EUR", dimensions: { engine: "tess-5" } };
  const text = event("metric", body);
  expect(payloadOf(sent("typescript", "event", text))).toMatchObject({
    body: { ...body, dims: body.dimensions },
  });
  for (const profile of profiles.filter((name) => name !== "typescript")) {
    expect(sent(profile, "event", text)).toBe(text);
  }
  for (const other of [
    event("metric", { name: "n", value: 1 }),
    event("log", { level: "info", message: '"dimensions":', attributes: { dimensions: { a: 1 } } }),
    event("x-vendor.acme.m", { kind: "metric", dimensions: { a: "b" } }),
  ]) {
    expect(sent("typescript", "event", other)).toBe(other);
  }
});

test.each(["0.123456789012345678", "123456789012345678", "0.0000001", "0.5"])(
  "R-5.2-5: a cost of %s keeps its digits, also for TypeScript",
  (digits) => {
    const dimensions = { value: '"value":7,', model: "m" };
    const body = { name: '"value":8,', value: exactNumber(digits), unit: "USD", dimensions };
    const said = sent("typescript", "event", event("metric", body));
    expect(said).toContain(`"value":${digits},"unit"`);
    expect(payloadOf(said)).toMatchObject({ body: { dims: dimensions, dimensions } });
  },
);

test.each<[Profile, object]>([
  ["draft", {}],
  ["typescript", {}],
  ["java", { details: { id: "c", value: "v" } }],
  ["go", { details: { id: "c", value: "v" } }],
  ["csharp", { credential_id: "c", credential_value: "v" }],
])("R-9.8-9, R-D-1: a rotated credential to %s", (profile, more) => {
  const body = { phase: "credential_rotated", id: "c", value: "v" };
  const text = event("status", body);
  expect(payloadOf(sent(profile, "credential_rotated", text))).toMatchObject({
    body: { ...body, ...more },
  });
  // Once the job has ended, there is no value (R-9.8-11).
  const ended = event("status", { phase: "credential_rotated", id: "c" });
  expect(sent(profile, "credential_rotated", ended)).not.toMatch(/value|null/);
});
