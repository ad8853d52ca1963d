import { describe, expect, test } from "vitest";
import { catalogue, type MessageType } from "./catalogue.ts";
import { type Decoded, decode } from "./codec.ts";

/**
 * The message tables of the protocol. `payload` holds every field, `required` the paths without which we cannot
 * understand the message, `any` those whose type is not checked. Everything else may be missing or null, since some
 * peer omits it.
 */
interface Row {
  type: MessageType;
  payload: Record<string, unknown>;
  required?: string[];
  any?: string[];
}

const TIME = "2026-11-02T08:15:30.250Z";
const TRACE = "9f2c41d07be84a6392d5e8b1c03f7a64";
const lease = { "fs.read": ["/srv/docs/**"], "cost.budget": ["EUR:12.50"] };
const lease_constraints = { expires_at: "2026-11-02T20:00:00Z" };
const client = { name: "nightly-ci", version: "3.2.0", fingerprint: "f", principal: "p" };
const auth = { scheme: "bearer", token: "t" };
const capabilities = { encodings: ["json"], features: ["ack"], "x-vendor.acme.mode": { deep: 1 } };
const error = { code: "TIMEOUT", message: "slow", retryable: false, details: { n: 1 } };
const credential = {
  id: "cred-1",
  scheme: "bearer",
  value: "v",
  endpoint: "https://llm.acme.test/v1",
  profile: "openai",
  constraints: { "cost.budget": ["EUR:12.50"], "model.use": ["m/*"], expires_at: TIME },
};
const credentialRequired = ["id", "scheme", "value", "endpoint"].map((f) => `credentials.0.${f}`);
const listing = {
  job_id: "j1",
  agent: "a@1",
  status: "running",
  lease,
  parent_job_id: "j0",
  created_at: TIME,
  trace_id: TRACE,
  last_event_seq: 17,
  last_job_seq: 5,
};
const subscribe = { job_id: "j1", history: true };

/** Not looked into: the content belongs to an agent or a vendor, or has a test of its own. */
const whole = new Set(
  "input result output details extensions constraints body budget lease lease_request x-vendor.acme.mode".split(
    " ",
  ),
);

const rows: Row[] = [
  {
    type: "session.hello",
    payload: {
      client,
      auth,
      capabilities,
      resume: { session_id: "s1", resume_token: "rt", last_event_seq: 0 },
      resume_token: "rt",
      last_event_seq: 0,
    },
    required: ["resume.resume_token"],
    any: ["capabilities.x-vendor.acme.mode"],
  },
  {
    type: "session.resume",
    payload: {
      resume_token: "rt",
      last_event_seq: 17,
      session_id: "s1",
      auth,
      client,
      capabilities,
    },
    required: ["resume_token"],
    any: ["capabilities.x-vendor.acme.mode"],
  },
  {
    type: "session.welcome",
    payload: {
      runtime: { name: "acme-runtime", version: "1.4.2" },
      resume_token: "rt",
      resume_window_sec: 600,
      heartbeat_interval_sec: 20,
      capabilities: {
        ...capabilities,
        agents: [{ name: "doc-indexer", versions: ["1.3.0", "2.1.0"], default: "2.1.0" }],
      },
    },
    required: ["resume_token", "resume_window_sec", "capabilities", "capabilities.agents.0.name"],
    any: ["capabilities.x-vendor.acme.mode"],
  },
  {
    type: "session.error",
    payload: { ...error, request_id: "m1", job_id: "j1" },
    required: ["code"],
  },
  { type: "session.ping", payload: { nonce: "hb", sent_at: TIME }, required: ["nonce"] },
  {
    type: "session.pong",
    payload: { ping_nonce: "hb", received_at: TIME },
    required: ["ping_nonce"],
  },
  { type: "session.ack", payload: { last_processed_seq: 412 }, required: ["last_processed_seq"] },
  {
    type: "session.list_jobs",
    payload: {
      filter: {
        status: ["pending", "running", "success", "error", "cancelled", "timed_out"],
        agent: "doc-indexer",
        created_after: TIME,
        created_before: TIME,
      },
      limit: 50,
      cursor: "c",
    },
  },
  {
    type: "session.jobs",
    payload: { request_id: "m1", jobs: [listing], next_cursor: "c" },
    required: ["jobs", ...["job_id", "agent", "status", "created_at"].map((f) => `jobs.0.${f}`)],
    any: ["jobs.0.trace_id"],
  },
  { type: "session.close", payload: { reason: "done" } },
  { type: "session.closed", payload: { request_id: "m1", reason: "done" } },
  { type: "session.bye", payload: { reason: "done" } },
  {
    type: "job.submit",
    payload: {
      agent: "doc-indexer@2.1.0",
      input: { root: "/srv" },
      lease_request: lease,
      lease_constraints,
      idempotency_key: "k",
      max_runtime_sec: 5400,
      parent_job_id: "j0",
      extensions: { "x-vendor.opentelemetry.tracecontext": { traceparent: "x" } },
    },
    required: ["agent"],
    any: ["input"],
  },
  {
    type: "job.accepted",
    payload: {
      request_id: "m1",
      job_id: "j1",
      agent: "a@1",
      lease,
      lease_constraints,
      budget: { EUR: 12.5 },
      credentials: [credential],
      accepted_at: TIME,
      parent_job_id: "j0",
      delegate_id: "d-1",
      trace_id: TRACE,
    },
    required: ["job_id", "agent", ...credentialRequired],
    any: ["trace_id"],
  },
  {
    type: "job.event",
    payload: { kind: "x-vendor.acme.confidence", ts: TIME, body: { score: 0.83 } },
    required: ["kind"],
  },
  {
    type: "job.result",
    payload: { final_status: "success", result: { pages: 1 }, output: [1], summary: "s" },
    required: ["final_status"],
    any: ["result", "output"],
  },
  {
    type: "job.result",
    payload: { final_status: "success", result_id: "res_1", result_size: 913408, summary: "s" },
    required: ["final_status"],
  },
  {
    type: "job.error",
    payload: { final_status: "timed_out", ...error, request_id: "m1" },
    required: ["final_status", "code"],
  },
  { type: "job.cancel", payload: { job_id: "j1", reason: "wrong folder" } },
  {
    type: "job.cancelled",
    payload: { request_id: "m1", job_id: "j1", reason: "r", current_status: "success" },
  },
  { type: "job.subscribe", payload: { ...subscribe, from_event_seq: 0 } },
  { type: "job.subscribe", payload: { ...subscribe, from_job_seq: 40 } },
  {
    type: "job.subscribed",
    payload: {
      request_id: "m1",
      job_id: "j1",
      current_status: "running",
      agent: "a@1",
      lease,
      lease_constraints,
      budget: { EUR: -0.15 },
      credentials: [credential],
      parent_job_id: "j0",
      trace_id: TRACE,
      subscribed_from: 0,
      replayed: true,
      truncated: false,
      last_job_seq: 0,
    },
    required: ["job_id", "current_status", "agent", ...credentialRequired],
    any: ["trace_id"],
  },
  { type: "job.unsubscribe", payload: { job_id: "j1" } },
];

type Path = string[];
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Every field below `value`, outermost first. Keys contain dots, so a path is a list. */
function pathsOf(value: Record<string, unknown>, at: Path = []): Path[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = [...at, key];
    const below = isObject(inner) && !whole.has(key) ? pathsOf(inner, path) : [];
    return Array.isArray(value) ? below : [path, ...below];
  });
}

function change(value: unknown, path: Path, edit: Edit): unknown {
  const copy: unknown = structuredClone(value);
  let parent = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>;
  edit(parent, path.at(-1)!);
  return copy;
}

type Edit = (parent: Record<string, unknown>, key: string) => void;
const gone: Edit = (parent, key) => delete parent[key];
function to(value: unknown): Edit {
  return (parent, key) => {
    parent[key] = value;
  };
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

function wrong(value: unknown): unknown {
  return typeof value === "string" || isObject(value) ? 7.5 : "wrong";
}

function read(type: string, payload: unknown): Decoded {
  return decode(JSON.stringify({ id: "m", type, payload }));
}

/** Only the required fields, without those inside optional ones. */
function minimalOf({ payload, required = [] }: Row): unknown {
  let minimal: unknown = payload;
  for (const path of pathsOf(payload).reverse()) {
    if (!required.includes(path.join("."))) minimal = change(minimal, path, gone);
  }
  return minimal;
}

test("every message has a row", () => {
  expect(new Set(rows.map((row) => row.type))).toEqual(new Set(Object.keys(catalogue)));
});

describe.each(rows.map((row) => [row.type, row] as const))("%s", (type, row) => {
  const { payload, required = [], any = [] } = row;

  test("R-D-11: a message with every field is accepted, and every field is decoded", () => {
    const decoded = read(type, payload);
    expect(decoded).toMatchObject({ kind: "ok" });
    expect(decoded.kind === "ok" && decoded.message.payload).toEqual(payload);
  });

  test("R-D-11: a message without any optional field is accepted", () => {
    expect(read(type, minimalOf(row))).toMatchObject({ kind: "ok" });
  });

  test("R-5.1-7: additional unknown fields are ignored", () => {
    expect(read(type, { ...payload, "x-extra": { a: [1] }, extra: null })).toMatchObject({
      kind: "ok",
    });
  });

  for (const path of pathsOf(payload)) {
    const name = path.join(".");
    const value = at(payload, path);

    if (required.includes(name)) {
      test(`R-5.3-1: without ${name} it is malformed, and the reason names it`, () => {
        for (const broken of [change(payload, path, gone), change(payload, path, to(null))]) {
          expectNamed(read(type, broken), name);
        }
      });
    } else {
      test(`R-5.2-1: ${name} may be missing, and null means the same`, () => {
        const missing = read(type, change(payload, path, gone));
        const nulled = read(type, change(payload, path, to(null)));
        expect(missing).toMatchObject({ kind: "ok" });
        // Agents' values are their own: null there is null.
        if (whole.has(path.at(-1)!) && any.includes(name)) expect(nulled.kind).toBe("ok");
        else expect(nulled).toEqual(missing);
      });
    }

    if (any.includes(name)) {
      test(`${name} may be of any type`, () => {
        const odd = change(payload, path, to(wrong(value)));
        expect(read(type, odd)).toMatchObject({ kind: "ok" });
      });
    } else {
      test(`R-5.3-1: ${name} of a wrong type is malformed, and the reason names it`, () => {
        const odd = change(payload, path, to(wrong(value)));
        expectNamed(read(type, odd), name);
      });
    }
  }
});

/** The reason names the field, or the nearest enclosing one where a union cannot tell which. */
function expectNamed(decoded: Decoded, name: string): void {
  if (decoded.kind !== "malformed") throw new Error(`${name} was accepted`);
  const named = decoded.reason.split(": ")[0] ?? "";
  expect(named).toMatch(/^payload\../);
  expect(`payload.${name}`.startsWith(named), `${decoded.reason} for ${name}`).toBe(true);
}

test.each([
  [
    "reason of a close",
    "session.close",
    { reason: "x".repeat(1024) },
    { reason: "x".repeat(1025) },
  ],
  ["reason of a cancel", "job.cancel", { reason: "x".repeat(1024) }, { reason: "x".repeat(1025) }],
  [
    "idempotency key",
    "job.submit",
    { agent: "a", idempotency_key: "x".repeat(256) },
    { agent: "a", idempotency_key: "x".repeat(257) },
  ],
  ["nonce", "session.ping", { nonce: "x".repeat(128) }, { nonce: "x".repeat(129) }],
  ["empty nonce", "session.ping", { nonce: "x" }, { nonce: "" }],
  ["ping nonce", "session.pong", { ping_nonce: "x".repeat(128) }, { ping_nonce: "x".repeat(129) }],
  ["limit", "session.list_jobs", { limit: 1 }, { limit: 0 }],
  ["fractional limit", "session.list_jobs", { limit: 5000 }, { limit: 1.5 }],
  [
    "status name",
    "session.list_jobs",
    { filter: { status: [] } },
    { filter: { status: ["timedout"] } },
  ],
  [
    "max_runtime_sec",
    "job.submit",
    { agent: "a", max_runtime_sec: 1 },
    { agent: "a", max_runtime_sec: -1 },
  ],
  ["ack", "session.ack", { last_processed_seq: 2 ** 53 - 1 }, { last_processed_seq: 2 ** 53 }],
  [
    "final_status of a result",
    "job.result",
    { final_status: "success" },
    { final_status: "error" },
  ],
  [
    "final_status of an error",
    "job.error",
    { final_status: "cancelled", code: "CANCELLED" },
    { final_status: "success", code: "CANCELLED" },
  ],
  [
    "budget",
    "job.accepted",
    { job_id: "j", agent: "a", budget: {} },
    { job_id: "j", agent: "a", budget: { EUR: "1" } },
  ],
])("R-5.2-3, R-6.6-6, R-7.1-4: the limit of %s", (_, type, good, bad) => {
  expect(read(type, good)).toMatchObject({ kind: "ok" });
  expect(read(type, bad)).toMatchObject({ kind: "malformed" });
});
