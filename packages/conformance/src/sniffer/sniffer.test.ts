import { describe, expect, test } from "vitest";
import type { RequirementId } from "../manifest/manifest.ts";
import { Sniffer } from "./sniffer.ts";

// These tests are about the sniffer: that it catches a breach of a rule does not verify that anybody keeps the rule.

/** `->` by the client, `~>` by the client and faulty on purpose, `<-` by the runtime; `=>` opens another connection. */
type Line = readonly ["->" | "~>" | "<-", Message | string] | readonly ["=>"];
type Message = Readonly<Record<string, any>>;

const TRACE = "9f2c41d07be84a6392d5e8b1c03f7a64";
const TIME = "2026-11-02T08:15:30.250Z";
const TOKEN = "rt_0123456789abcdef0123456789abcdef";
const FEATURES = ["heartbeat", "ack", "list_jobs", "subscribe", "progress"];

let ids = 0;
const header = (type: string, rest: Message = {}): Message => ({
  arcp: "1.1",
  id: `msg_${ids++}`,
  type,
  session_id: "s1",
  ...rest,
});

const hello = (payload: Message = {}): Line => [
  "->",
  header("session.hello", {
    session_id: undefined,
    payload: {
      client: { name: "test", version: "1" },
      auth: { scheme: "bearer", token: "t" },
      capabilities: { features: FEATURES },
      ...payload,
    },
  }),
];
const resume = (last: number, token = TOKEN): Line =>
  hello({ resume: { session_id: "s1", resume_token: token, last_event_seq: last } });
const welcome = (payload: Message = {}, rest: Message = {}): Line => [
  "<-",
  header("session.welcome", {
    payload: {
      runtime: { name: "test", version: "1" },
      resume_token: TOKEN,
      resume_window_sec: 600,
      heartbeat_interval_sec: 20,
      capabilities: { encodings: ["json"], features: FEATURES, agents: [] },
      ...payload,
    },
    ...rest,
  }),
];
const capabilities = (rest: Message): Message => ({
  capabilities: { encodings: ["json"], features: FEATURES, agents: [], ...rest },
});
const welcomeBack = (payload: Message = {}): Line =>
  welcome({ resume_token: `${TOKEN}2`, ...payload });
const submit = (id: string, payload: Message = {}, arrow: "->" | "~>" = "->"): Line => [
  arrow,
  header("job.submit", { id, payload: { agent: "echo", input: null, ...payload } }),
];
const accepted = (
  request: string | undefined,
  job = "j1",
  payload: Message = {},
  rest: Message = {},
): Line => [
  "<-",
  header("job.accepted", {
    job_id: job,
    trace_id: TRACE,
    payload: {
      request_id: request,
      job_id: job,
      agent: "echo",
      lease: {},
      accepted_at: TIME,
      trace_id: TRACE,
      ...payload,
    },
    ...rest,
  }),
];
const stream = (
  type: string,
  seq: number | undefined,
  jobSeq: number | undefined,
  payload: Message,
  rest: Message = {},
): Line => [
  "<-",
  header(type, {
    // A record keeps its id, whoever sees it and however often.
    id: `${rest.job_id ?? "j1"}/${jobSeq}`,
    job_id: "j1",
    trace_id: TRACE,
    event_seq: seq,
    job_seq: jobSeq,
    payload,
    ...rest,
  }),
];
const event = (
  seq: number | undefined,
  jobSeq: number | undefined,
  rest: Message = {},
  body: Message = { text: `${jobSeq}` },
  kind = "thought",
): Line => stream("job.event", seq, jobSeq, { kind, ts: TIME, body }, rest);
const status = (seq: number, jobSeq: number | undefined, body: Message): Line =>
  event(seq, jobSeq, {}, body, "status");
const result = (
  seq: number,
  jobSeq: number,
  payload: Message = { result: null },
  rest: Message = {},
): Line => stream("job.result", seq, jobSeq, { final_status: "success", ...payload }, rest);
const failure = (seq: number, jobSeq: number, payload: Message): Line =>
  stream("job.error", seq, jobSeq, {
    final_status: "error",
    code: "INTERNAL_ERROR",
    message: "broke",
    retryable: true,
    ...payload,
  });
const error = (request: string | undefined, payload: Message = {}): Line => [
  "<-",
  header("session.error", {
    payload: {
      request_id: request,
      code: "INVALID_REQUEST",
      message: "no",
      retryable: false,
      ...payload,
    },
  }),
];
const subscribe = (id: string, payload: Message = {}): Line => [
  "->",
  header("job.subscribe", { id, job_id: "j1", payload: { job_id: "j1", ...payload } }),
];
const subscribed = (request: string, payload: Message = {}): Line => [
  "<-",
  header("job.subscribed", {
    job_id: "j1",
    trace_id: TRACE,
    payload: {
      request_id: request,
      job_id: "j1",
      current_status: "running",
      agent: "echo",
      lease: {},
      parent_job_id: null,
      trace_id: TRACE,
      subscribed_from: 0,
      replayed: false,
      last_job_seq: 0,
      ...payload,
    },
  }),
];
const client = (type: string, rest: Message): Line => ["->", header(type, rest)];
const runtime = (type: string, rest: Message): Line => ["<-", header(type, rest)];
const listing = (entry: Message = {}, rest: Message = {}): Line =>
  runtime("session.jobs", {
    payload: {
      request_id: "l",
      jobs: [
        {
          job_id: "j1",
          agent: "echo",
          status: "running",
          lease: {},
          parent_job_id: null,
          created_at: TIME,
          trace_id: TRACE,
          last_event_seq: 0,
          last_job_seq: 0,
          ...entry,
        },
      ],
      next_cursor: null,
      ...rest,
    },
  });
const list = client("session.list_jobs", { id: "l", payload: {} });
const cancel = (id: string): Line =>
  client("job.cancel", { id, job_id: "j1", payload: { job_id: "j1" } });
const cancelled = (request: string | undefined): Line =>
  runtime("job.cancelled", {
    job_id: "j1",
    trace_id: TRACE,
    payload: { request_id: request, job_id: "j1" },
  });

const delegation = event(
  1,
  1,
  {},
  { delegate_id: "d", agent: "echo", child_job_id: "j2" },
  "delegate",
);

const begun = [hello(), welcome()] as const;
const running = [...begun, submit("a"), accepted("a")] as const;

function sniff(lines: readonly Line[], waive: readonly RequirementId[] = []): string[] {
  const sniffers = [new Sniffer({ waive })];
  for (const [arrow, message] of lines) {
    const sniffer = sniffers.at(-1)!;
    if (arrow === "=>") {
      sniffers.push(
        new Sniffer({ waive, ...(sniffer.session ? { resumes: sniffer.session } : {}) }),
      );
      continue;
    }
    const frame = typeof message === "string" ? message : JSON.stringify(message);
    if (arrow === "->") sniffer.sent(frame);
    else if (arrow === "~>") sniffer.sentFaulty(frame);
    else sniffer.received(frame);
  }
  return sniffers.flatMap((sniffer) =>
    sniffer.violations.map(({ rule, sender }) => `${sender} ${rule}`),
  );
}

const good: Record<string, readonly Line[]> = {
  "a job from submit to result": [...running, event(1, 1), event(2, 2), result(3, 3)],
  "two jobs interleaved": [
    ...running,
    submit("b"),
    event(1, 1),
    accepted("b", "j2"),
    event(2, 1, { job_id: "j2" }),
    result(3, 2),
    result(4, 2, { result: 1 }, { job_id: "j2" }),
  ],
  "a resume that replays": [
    ...running,
    event(1, 1),
    event(2, 2),
    ["=>"],
    resume(1),
    welcomeBack(),
    event(2, 2),
    event(3, 3),
    result(4, 4),
  ],
  "a resume that goes back to the beginning repeats the acceptance": [
    ...running,
    event(1, 1),
    ["=>"],
    resume(0),
    welcomeBack(),
    accepted("a"),
    event(1, 1),
    result(2, 2),
  ],
  "a resume in the two other forms": [
    ...running,
    ["=>"],
    hello({ resume_token: TOKEN, last_event_seq: 0 }),
    welcomeBack(),
    accepted("a"),
    event(1, 1),
    ["=>"],
    client("session.resume", {
      session_id: undefined,
      payload: {
        resume_token: `${TOKEN}2`,
        last_event_seq: 1,
        auth: { scheme: "bearer", token: "t" },
      },
    }),
    welcome({ resume_token: `${TOKEN}3` }),
    event(2, 2),
  ],
  "a resume after a hello leaves the fresh session": [
    ...running,
    event(1, 1),
    ["=>"],
    hello(),
    welcome({ resume_token: `${TOKEN}4` }, { session_id: "s2" }),
    client("session.resume", {
      session_id: "s2",
      payload: { session_id: "s1", resume_token: TOKEN, last_event_seq: 1 },
    }),
    welcomeBack(),
    event(2, 2),
  ],
  "an acceptance that was lost is repeated, and once more when the submit is": [
    ...begun,
    submit("a"),
    ["=>"],
    resume(0),
    welcomeBack(),
    accepted("a", "j1", {}, { id: "same" }),
    event(1, 1),
  ],
  "a slow submit is answered on the next connection": [
    ...begun,
    submit("a"),
    submit("b"),
    ["=>"],
    resume(0),
    welcomeBack(),
    accepted("b", "j2"),
    event(1, 1, { job_id: "j2" }),
    accepted("a"),
    event(2, 1),
  ],
  "a submit that is sent twice is answered twice": (() => {
    const once = submit("a");
    const answer = accepted("a");
    return [...begun, once, answer, event(1, 1), once, answer, event(2, 2)];
  })(),
  "a hidden record leaves a hole in job_seq": [...running, event(1, 1), event(2, 4), result(3, 5)],
  "a subscription with history, and again": [
    ...begun,
    subscribe("x", { history: true }),
    subscribed("x", { replayed: true, last_job_seq: 2 }),
    event(1, 1),
    event(2, 2),
    subscribe("y", { history: true, from_job_seq: 1 }),
    subscribed("y", { replayed: true, last_job_seq: 2, subscribed_from: 2 }),
    event(3, 2),
    event(4, 3),
    result(5, 4),
  ],
  "a subscription without history to what is finished": [
    ...begun,
    subscribe("x"),
    subscribed("x", { current_status: "success", last_job_seq: 7 }),
    result(1, 7),
  ],
  "a second subscription while events of the first are on their way": [
    ...begun,
    subscribe("x"),
    subscribed("x", { last_job_seq: 3 }),
    event(1, 4),
    subscribe("y"),
    subscribed("y", { last_job_seq: 9, subscribed_from: 1 }),
    event(2, 5),
  ],
  "a subscription that fell behind ends alone": [
    ...begun,
    subscribe("x"),
    subscribed("x"),
    event(1, 1),
    error("x", { code: "RESUME_WINDOW_EXPIRED", job_id: "j1" }),
    list,
    listing({ last_event_seq: 0, last_job_seq: 9 }),
  ],
  "an idempotent resubmission of a finished job": [
    ...begun,
    submit("a", { idempotency_key: "k" }),
    accepted("a"),
    result(1, 1),
    submit("b", { idempotency_key: "k" }),
    accepted("b"),
    result(2, 1),
  ],
  "a delegation": [
    ...running,
    event(1, 1, {}, { delegate_id: "d", agent: "echo", child_job_id: "j2" }, "delegate"),
    accepted(undefined, "j2", { parent_job_id: "j1", delegate_id: "d" }),
    event(2, 1, { job_id: "j2" }),
    result(3, 2),
  ],
  "a child whose acceptance is repeated before the delegation": [
    ...running,
    event(1, 1),
    ["=>"],
    resume(1),
    welcomeBack(),
    accepted(undefined, "j2", { parent_job_id: "j1", delegate_id: "d" }),
    event(2, 2, {}, { delegate_id: "d", agent: "echo", child_job_id: "j2" }, "delegate"),
    event(3, 1, { job_id: "j2" }),
  ],
  "pings, acks, listings, cancels and a close": [
    ...running,
    client("session.ping", { payload: { nonce: "1", sent_at: TIME } }),
    runtime("session.ping", { payload: { nonce: "1", sent_at: TIME } }),
    client("session.pong", { payload: { ping_nonce: "1", received_at: TIME } }),
    runtime("session.pong", { payload: { ping_nonce: "1", received_at: TIME } }),
    client("session.ack", { payload: { last_processed_seq: 0 } }),
    list,
    listing(),
    cancel("c"),
    cancelled("c"),
    failure(1, 1, { final_status: "cancelled", code: "CANCELLED", retryable: false }),
    client("session.close", { id: "z", payload: {} }),
    runtime("session.closed", { payload: { request_id: "z" } }),
  ],
  "refusals, also of what cannot be read": [
    ...begun,
    submit("a", { agent: "nobody" }),
    error("a", { code: "AGENT_NOT_AVAILABLE" }),
    ["~>", header("session.ping", { payload: { nonce: "n", sent_at: TIME } })],
    runtime("session.pong", { payload: { ping_nonce: "n", received_at: TIME } }),
    ["~>", "{"],
    error(undefined),
    ["~>", header("job.submit", { id: "b", payload: {} })],
    error("b"),
    ["~>", header("session.foo", { id: "c", payload: {} })],
    error("c"),
    cancel("d"),
    error("d", { code: "JOB_NOT_FOUND", job_id: "j1" }),
    list,
    listing(),
  ],
  "a refused hello": [hello(), error(undefined, { code: "UNAUTHENTICATED" })],
  "a back-pressure notice has no job_seq": [
    ...running,
    event(1, 1),
    status(2, undefined, { phase: "back_pressure" }),
    event(3, 2),
  ],
  "a rotated credential is replayed with its present value": (() => {
    const grants = capabilities({ features: ["provisioned_credentials"] });
    const offer = { capabilities: { features: ["provisioned_credentials"] } };
    const quiet = { ...grants, heartbeat_interval_sec: undefined };
    return [
      hello(offer),
      welcome(quiet),
      submit("a"),
      accepted("a"),
      event(1, 1),
      status(2, 2, { phase: "credential_rotated", id: "c", value: "old" }),
      ["=>"],
      resume(1),
      welcomeBack(quiet),
      status(2, 2, { phase: "credential_rotated", id: "c", value: "new" }),
    ];
  })(),
  "null where agents and listings may have it": [
    ...begun,
    submit("a", { input: { x: null } }),
    accepted("a"),
    event(1, 1, {}, { call_id: "1", result: null }, "tool_result"),
    event(2, 2, {}, { level: "info", message: "", attributes: { x: null, ts: "noon" } }, "log"),
    event(3, 3, {}, { score: null, ts: "noon" }, "x-vendor.acme.score"),
    status(4, 4, { phase: "custom", detail: null }),
    result(5, 5, { result: null }),
  ],
  "a vendor's message": [...begun, runtime("x-vendor.acme.hint", { payload: {} })],
};

describe("passes", () => {
  for (const [name, lines] of Object.entries(good)) {
    test(name, () => expect(sniff(lines)).toEqual([]));
  }
});

/** What is wrong, who is to blame, the rule, and the transcript. */
const bad: readonly (readonly [string, "client" | "runtime", RequirementId, readonly Line[]])[] = [
  // The envelope
  ["arcp is 1.0", "runtime", "R-5.1-1", [...running, event(1, 1, { arcp: "1.0" })]],
  [
    "arcp is absent",
    "client",
    "R-5.1-1",
    [...begun, client("session.ack", { arcp: undefined, payload: { last_processed_seq: 0 } })],
  ],
  ["an empty id", "runtime", "R-5.1-3", [...begun, runtime("session.ping", { id: "" })]],
  [
    "an id of 129 characters",
    "runtime",
    "R-5.1-3",
    [...begun, runtime("session.ping", { id: "x".repeat(129) })],
  ],
  [
    "an id that was used before",
    "runtime",
    "R-5.1-3",
    [
      ...begun,
      runtime("session.ping", { id: "p", payload: { nonce: "1", sent_at: TIME } }),
      runtime("session.ping", { id: "p", payload: { nonce: "2", sent_at: TIME } }),
    ],
  ],
  [
    "an id that an earlier connection used",
    "client",
    "R-5.1-3",
    [...running, event(1, 1), ["=>"], resume(1), welcomeBack(), submit("a", { input: "other" })],
  ],
  ["an unknown type", "runtime", "R-5.3-3", [...begun, runtime("job.progress", { payload: {} })]],
  [
    "a message in the wrong direction",
    "runtime",
    "R-5.3-3",
    [...begun, runtime("session.ack", { payload: { last_processed_seq: 0 } })],
  ],
  ["no JSON", "runtime", "R-5.3-1", [...begun, ["<-", "{"]]],
  [
    "a payload against the schema",
    "runtime",
    "R-5.3-1",
    [...running, stream("job.event", 1, 1, { kind: "log", ts: TIME, body: 1 })],
  ],
  [
    "a welcome without session_id",
    "runtime",
    "R-5.1-4",
    [hello(), welcome({}, { session_id: undefined })],
  ],
  ["no session_id", "runtime", "R-5.1-4", [...running, event(1, 1, { session_id: undefined })]],
  [
    "a foreign session_id",
    "client",
    "R-5.1-4",
    [...begun, client("session.ack", { session_id: "s2", payload: { last_processed_seq: 0 } })],
  ],
  [
    "no job_id",
    "client",
    "R-5.1-4",
    [...begun, client("job.cancel", { payload: { job_id: "j1" } })],
  ],
  [
    "two different job_ids",
    "client",
    "R-5.1-4",
    [...begun, client("job.cancel", { job_id: "j2", payload: { job_id: "j1" } })],
  ],
  [
    "event_seq where it does not belong",
    "runtime",
    "R-5.1-6",
    [
      ...running,
      cancel("c"),
      runtime("job.cancelled", {
        job_id: "j1",
        event_seq: 1,
        payload: { request_id: "c", job_id: "j1" },
      }),
    ],
  ],
  ["no event_seq on an event", "runtime", "R-5.1-6", [...running, event(undefined, 1)]],
  [
    "a traceparent as trace_id",
    "client",
    "R-11-1",
    [
      ...begun,
      client("job.submit", {
        trace_id: `00-${TRACE}-00f067aa0ba902b7-01`,
        payload: { agent: "echo" },
      }),
    ],
  ],
  [
    "an extension that is no vendor name",
    "client",
    "R-15-1",
    [
      ...begun,
      client("session.ack", { extensions: { trace: 1 }, payload: { last_processed_seq: 0 } }),
    ],
  ],
  [
    "a frame of more than 1 MiB",
    "runtime",
    "R-4.1-7",
    [...running, result(1, 1, { result: "x".repeat(1024 * 1024) })],
  ],
  [
    "a frame of more than 1 MiB in UTF-8 alone",
    "runtime",
    "R-4.1-7",
    [...running, result(1, 1, { result: "\u20ac".repeat(400_000) })],
  ],
  // Values
  ["null for absent", "client", "R-5.2-1", [...begun, submit("a", { idempotency_key: null })]],
  [
    "null deep inside",
    "runtime",
    "R-5.2-1",
    [...running, event(1, 1, {}, { current: 1, total: null }, "progress")],
  ],
  [
    "null as request cursor",
    "client",
    "R-5.2-1",
    [...begun, client("session.list_jobs", { payload: { cursor: null } })],
  ],
  [
    "a time with an offset",
    "runtime",
    "R-5.2-2",
    [
      ...running,
      stream("job.event", 1, 1, {
        kind: "thought",
        ts: "2026-11-02T08:15:30.250+00:00",
        body: { text: "" },
      }),
    ],
  ],
  [
    "a time without milliseconds",
    "client",
    "R-5.2-2",
    [
      ...begun,
      client("session.ping", { payload: { nonce: "1", sent_at: "2026-11-02T08:15:30Z" } }),
    ],
  ],
  // Errors
  [
    "a sixteenth code",
    "runtime",
    "R-12-1",
    [...begun, submit("a"), error("a", { code: "RATE_LIMITED" })],
  ],
  [
    "no retryable",
    "runtime",
    "R-12-2",
    [
      ...running,
      event(1, 1, {}, { call_id: "1", error: { code: "TIMEOUT", message: "x" } }, "tool_result"),
    ],
  ],
  [
    "a fixed retryable overridden",
    "runtime",
    "R-12-2",
    [...running, failure(1, 1, { retryable: false })],
  ],
  ["an empty message", "runtime", "R-5.3-6", [...begun, submit("a"), error("a", { message: "" })]],
  [
    "a stack trace",
    "runtime",
    "R-5.3-6",
    [...running, failure(1, 1, { message: "Error: x\n    at run (run.ts:1:1)" })],
  ],
  // Handshake
  ["an event before the welcome", "runtime", "R-6.2-1", [hello(), event(1, 1)]],
  [
    "an event before the welcome of a resume",
    "runtime",
    "R-6.3-6",
    [...running, ["=>"], resume(0), event(1, 1)],
  ],
  [
    "a welcome that nobody asked for",
    "runtime",
    "R-6.2-1",
    [...begun, welcome({ resume_token: `${TOKEN}9` })],
  ],
  ["a submit before the welcome", "client", "R-5.3-2", [hello(), submit("a")]],
  ["a second hello", "client", "R-6.2-9", [...begun, hello()]],
  ["a hello without auth", "client", "R-6.1-1", [hello({ auth: undefined })]],
  [
    "a feature that was not offered",
    "runtime",
    "R-6.2-2",
    [hello(), welcome(capabilities({ features: [...FEATURES, "model.use"] }))],
  ],
  [
    "heartbeat without an interval",
    "runtime",
    "R-6.2-2",
    [hello(), welcome({ heartbeat_interval_sec: undefined })],
  ],
  [
    "an inventory out of order",
    "runtime",
    "R-6.2-7",
    [
      hello(),
      welcome(
        capabilities({
          agents: [
            { name: "b", versions: [] },
            { name: "a", versions: [] },
          ],
        }),
      ),
    ],
  ],
  [
    "an inventory of strings",
    "runtime",
    "R-6.2-7",
    [hello(), welcome(capabilities({ agents: ["a"] }))],
  ],
  [
    "a default that is no version",
    "runtime",
    "R-6.2-7",
    [hello(), welcome(capabilities({ agents: [{ name: "a", versions: ["1"], default: "2" }] }))],
  ],
  ["a short resume token", "runtime", "R-6.2-10", [hello(), welcome({ resume_token: "rt_1" })]],
  ["an old resume token", "runtime", "R-6.2-10", [...begun, ["=>"], resume(0), welcome()]],
  // Features
  [
    "an event that needs a feature",
    "runtime",
    "R-6.2-5",
    [
      ...running,
      event(
        1,
        1,
        {},
        { result_id: "r", chunk_seq: 0, data: "", encoding: "utf8", more: false },
        "result_chunk",
      ),
    ],
  ],
  [
    "a metric that needs a feature",
    "runtime",
    "R-6.2-5",
    [
      ...running,
      event(1, 1, {}, { name: "cost.budget.remaining", value: 1, unit: "EUR" }, "metric"),
    ],
  ],
  [
    "credentials that need a feature",
    "runtime",
    "R-6.2-5",
    [...begun, submit("a"), accepted("a", "j1", { credentials: [] })],
  ],
  [
    "a submit that needs a feature",
    "client",
    "R-6.2-2",
    [...begun, submit("a", { lease_request: { "model.use": ["x"] } })],
  ],
  [
    "a pinned version without the feature",
    "client",
    "R-6.2-2",
    [...begun, submit("a", { agent: "echo@1" })],
  ],
  [
    "a ping without heartbeats",
    "runtime",
    "R-6.2-2",
    [
      hello(),
      welcome({ ...capabilities({ features: [] }), heartbeat_interval_sec: undefined }),
      runtime("session.ping", { payload: { nonce: "1", sent_at: TIME } }),
    ],
  ],
  [
    "a listing without the feature",
    "client",
    "R-6.2-2",
    [
      hello(),
      welcome({ ...capabilities({ features: [] }), heartbeat_interval_sec: undefined }),
      list,
    ],
  ],
  // Replies
  [
    "a reply without request_id",
    "runtime",
    "R-5.4-1",
    [...running, cancel("c"), cancelled(undefined)],
  ],
  [
    "an acceptance without request_id",
    "runtime",
    "R-5.4-1",
    [...begun, submit("a"), accepted(undefined)],
  ],
  ["a reply to what nobody asked", "runtime", "R-5.4-1", [...running, cancelled("nothing")]],
  ["a refusal of what nobody asked", "runtime", "R-5.4-1", [...begun, error("nothing")]],
  [
    "a reply of the wrong type",
    "runtime",
    "R-5.4-1",
    [...running, cancel("c"), accepted("c", "j9")],
  ],
  ["two replies", "runtime", "R-5.4-2", [...running, cancel("c"), cancelled("c"), cancelled("c")]],
  ["a reply and a refusal", "runtime", "R-5.4-2", [...running, error("a")]],
  [
    "a refusal that does not name the job",
    "runtime",
    "R-5.4-2",
    [...running, cancel("c"), error("c")],
  ],
  [
    "a reply to an ack",
    "runtime",
    "R-5.4-4",
    [...begun, client("session.ack", { id: "k", payload: { last_processed_seq: 0 } }), error("k")],
  ],
  [
    "submits answered out of order",
    "runtime",
    "R-5.4-5",
    [...begun, submit("a"), submit("b"), accepted("b")],
  ],
  [
    "a refusal ahead of an earlier submit",
    "runtime",
    "R-5.4-5",
    [...begun, submit("a"), submit("b"), error("b")],
  ],
  [
    "a pong to no ping",
    "runtime",
    "R-6.4-2",
    [...begun, runtime("session.pong", { payload: { ping_nonce: "1", received_at: TIME } })],
  ],
  [
    "a pong to one's own ping",
    "client",
    "R-6.4-2",
    [
      ...begun,
      client("session.ping", { payload: { nonce: "1", sent_at: TIME } }),
      client("session.pong", { payload: { ping_nonce: "1", received_at: TIME } }),
    ],
  ],
  [
    "anything after a fatal error",
    "runtime",
    "R-12-5",
    [...running, error(undefined, { code: "HEARTBEAT_LOST", retryable: true }), event(1, 1)],
  ],
  [
    "anything after session.closed",
    "runtime",
    "R-12-5",
    [...running, runtime("session.closed", { payload: {} }), event(1, 1)],
  ],
  // The stream
  ["a stream that begins at 2", "runtime", "R-8.3-1", [...running, event(2, 1)]],
  ["a gap", "runtime", "R-8.3-1", [...running, event(1, 1), event(3, 2)]],
  ["a number used twice", "runtime", "R-8.3-1", [...running, event(1, 1), event(1, 1)]],
  [
    "a number used for two jobs",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      submit("b"),
      accepted("b", "j2"),
      event(1, 1),
      ["=>"],
      resume(0),
      welcomeBack(),
      accepted("a"),
      accepted("b", "j2"),
      event(1, 1, { job_id: "j2" }),
    ],
  ],
  [
    "a replay that starts late",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      event(1, 1),
      event(2, 2),
      event(3, 3),
      ["=>"],
      resume(1),
      welcomeBack(),
      event(3, 3),
    ],
  ],
  [
    "a replay that starts early",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      event(1, 1),
      event(2, 2),
      ["=>"],
      resume(1),
      welcomeBack(),
      event(1, 1),
      event(2, 2),
    ],
  ],
  [
    "a replay with another payload",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      event(1, 1),
      event(2, 2),
      ["=>"],
      resume(1),
      welcomeBack(),
      event(2, 2, {}, { text: "other" }),
    ],
  ],
  [
    "a replay with another id",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      event(1, 1),
      event(2, 2),
      ["=>"],
      resume(1),
      welcomeBack(),
      event(2, 2, { id: "other" }),
    ],
  ],
  [
    "a replay with another job_seq",
    "runtime",
    "R-6.3-8",
    [...running, event(1, 1), event(2, 2), ["=>"], resume(1), welcomeBack(), event(2, 3)],
  ],
  [
    "a resume without the acceptance",
    "runtime",
    "R-6.3-8",
    [...running, ["=>"], resume(0), welcomeBack(), event(1, 1), event(2, 2)],
  ],
  [
    "a resume with a needless acceptance",
    "runtime",
    "R-6.3-8",
    [...running, event(1, 1), ["=>"], resume(1), welcomeBack(), accepted("a"), event(2, 2)],
  ],
  [
    "a resume in a hello that opens another session",
    "runtime",
    "R-6.3-1",
    [...running, ["=>"], resume(0), welcome({}, { session_id: "s2" })],
  ],
  [
    "a resume into another session",
    "runtime",
    "R-6.3-6",
    [
      ...running,
      ["=>"],
      client("session.resume", {
        session_id: undefined,
        payload: { session_id: "s1", resume_token: TOKEN, auth: { scheme: "bearer", token: "t" } },
      }),
      welcome({}, { session_id: "s2" }),
    ],
  ],
  [
    "a resume with other features",
    "runtime",
    "R-6.3-16",
    [...begun, ["=>"], resume(0), welcomeBack(capabilities({ features: FEATURES.slice(0, 4) }))],
  ],
  [
    "an event before the acceptance",
    "runtime",
    "R-7.1-2",
    [...begun, submit("a"), event(1, 1), accepted("a")],
  ],
  [
    "an event before the subscription",
    "runtime",
    "R-7.1-2",
    [...begun, subscribe("x"), event(1, 1)],
  ],
  ["no job_seq", "runtime", "R-7.6-11", [...running, event(1, undefined)]],
  ["job_seq goes back", "runtime", "R-7.6-11", [...running, event(1, 2), event(2, 1)]],
  ["job_seq stays", "runtime", "R-7.6-11", [...running, event(1, 1), event(2, 1)]],
  [
    "a resume delivers a record under a second number",
    "runtime",
    "R-7.6-11",
    [...running, event(1, 1), event(2, 2), ["=>"], resume(2), welcomeBack(), event(3, 2)],
  ],
  [
    "a subscription without history goes back",
    "runtime",
    "R-7.6-11",
    [...begun, subscribe("x"), subscribed("x", { last_job_seq: 3 }), event(1, 3)],
  ],
  [
    "a subscription from 3 delivers 3",
    "runtime",
    "R-7.6-11",
    [
      ...begun,
      subscribe("x", { history: true, from_job_seq: 3 }),
      subscribed("x", { last_job_seq: 5 }),
      event(1, 3),
    ],
  ],
  [
    "a record with other content for a subscription",
    "runtime",
    "R-7.6-4",
    [
      ...running,
      event(1, 1),
      subscribe("x", { history: true }),
      subscribed("x", { subscribed_from: 1, last_job_seq: 1, replayed: true }),
      event(2, 1, {}, { text: "other" }),
    ],
  ],
  [
    "subscribed_from in the owner's numbers",
    "runtime",
    "R-7.6-4",
    [...begun, subscribe("x"), subscribed("x", { subscribed_from: 17 })],
  ],
  ["two terminals", "runtime", "R-7.3-3", [...running, result(1, 1), result(2, 2)]],
  ["an event after the terminal", "runtime", "R-7.3-3", [...running, result(1, 1), event(2, 2)]],
  [
    "an event after the terminal, behind a resume",
    "runtime",
    "R-7.3-3",
    [...running, result(1, 1), ["=>"], resume(1), welcomeBack(), event(2, 2)],
  ],
  [
    "a second copy of a terminal",
    "runtime",
    "R-7.3-3",
    [
      ...begun,
      subscribe("x"),
      subscribed("x", { current_status: "success", last_job_seq: 7 }),
      result(1, 7),
      result(2, 8),
    ],
  ],
  [
    "another trace_id",
    "runtime",
    "R-11-4",
    [...running, event(1, 1, { trace_id: "0".repeat(31).concat("1") })],
  ],
  [
    "a child before its delegation",
    "runtime",
    "R-10-2",
    [...running, accepted(undefined, "j2", { parent_job_id: "j1", delegate_id: "d" })],
  ],
  [
    "a child without delegate_id",
    "runtime",
    "R-10-2",
    [...running, delegation, accepted(undefined, "j2", { parent_job_id: "j1" })],
  ],
  [
    "a child's acceptance that is repeated needlessly",
    "runtime",
    "R-6.3-8",
    [
      ...running,
      delegation,
      accepted(undefined, "j2", { parent_job_id: "j1", delegate_id: "d" }),
      event(2, 1, { job_id: "j2" }),
      ["=>"],
      resume(2),
      welcomeBack(),
      accepted(undefined, "j2", { parent_job_id: "j1", delegate_id: "d" }),
    ],
  ],
  [
    "a plain hello that lands in an old session",
    "runtime",
    "R-6.2-1",
    [...running, ["=>"], hello(), welcomeBack()],
  ],
  // Payloads
  ["an unknown kind", "runtime", "R-8.1-2", [...running, event(1, 1, {}, {}, "note")]],
  ["an invalid body", "runtime", "R-8.1-2", [...running, event(1, 1, {}, {}, "thought")]],
  [
    "an event without ts",
    "runtime",
    "R-8.1-1",
    [...running, stream("job.event", 1, 1, { kind: "thought", body: { text: "" } })],
  ],
  [
    "progress beyond its total",
    "runtime",
    "R-8.2-2",
    [...running, event(1, 1, {}, { current: 2, total: 1 }, "progress")],
  ],
  [
    "a log level in upper case",
    "runtime",
    "R-D-1",
    [...running, event(1, 1, {}, { level: "INFO", message: "" }, "log")],
  ],
  ["a result without a result", "runtime", "R-8.4-3", [...running, result(1, 1, {})]],
  [
    "cancelled with another code",
    "runtime",
    "R-7.4-2",
    [...running, failure(1, 1, { final_status: "cancelled" })],
  ],
  [
    "timed_out with another code",
    "runtime",
    "R-7.3-6",
    [...running, failure(1, 1, { final_status: "timed_out" })],
  ],
  [
    "an expired lease that ends as timed_out",
    "runtime",
    "R-7.3-4",
    [
      ...running,
      failure(1, 1, { final_status: "timed_out", code: "LEASE_EXPIRED", retryable: false }),
    ],
  ],
  [
    "job.subscribed without replayed",
    "runtime",
    "R-7.6-5",
    [...begun, subscribe("x"), subscribed("x", { replayed: undefined })],
  ],
  [
    "an unknown status in a listing",
    "runtime",
    "R-7.3-1",
    [...begun, list, listing({ status: "timedout" })],
  ],
  [
    "credentials in a listing",
    "runtime",
    "R-6.6-3",
    [...begun, list, listing({ credentials: [] })],
  ],
  [
    "a listing without last_job_seq",
    "runtime",
    "R-7.6-11",
    [...begun, list, listing({ last_job_seq: undefined })],
  ],
  [
    "a listing without next_cursor",
    "runtime",
    "R-D-1",
    [...begun, list, listing({}, { next_cursor: undefined })],
  ],
  [
    "a delegation without its agent",
    "runtime",
    "R-D-1",
    [...running, event(1, 1, {}, { delegate_id: "d" }, "delegate")],
  ],
  [
    "an inline result with a size",
    "runtime",
    "R-8.4-3",
    [...running, result(1, 1, { result: 1, result_size: 1 })],
  ],
  [
    "an event without job_id",
    "runtime",
    "R-5.1-4",
    [...running, event(1, 1, { job_id: undefined })],
  ],
  [
    "a budget that was not granted",
    "runtime",
    "R-9.6-2",
    [...begun, submit("a"), accepted("a", "j1", { budget: { EUR: 1 } })],
  ],
];

describe("catches", () => {
  for (const [name, sender, rule, lines] of bad) {
    test(`${name} (${rule})`, () =>
      expect(new Set(sniff(lines))).toEqual(new Set([`${sender} ${rule}`])));
  }
});

test("a waived requirement is ignored, others are not", () => {
  const lines = [...running, event(2, 1, { arcp: "1" })];
  expect(sniff(lines, ["R-5.1-1"])).toEqual(["runtime R-8.3-1"]);
});

test("one gap is reported once", () => {
  expect(sniff([...running, event(1, 1), event(3, 2), event(4, 3), event(5, 4)])).toHaveLength(1);
});
