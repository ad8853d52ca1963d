/** What an attacker knows of: some of it is its own, some is somebody else's. */
export interface Knowledge {
  readonly session: string;
  readonly job: string;
  readonly foreignSession: string;
  readonly foreignJob: string;
  readonly foreignToken: string;
}

/** A frame as it goes onto the wire. */
export interface HostileFrame {
  readonly data: string | Buffer;
  readonly binary?: boolean;
}

/** Stands for a secret that was typed into the wrong field: no error may repeat it. */
export const CANARY = "sk-live-CANARY-4eC39HqLyjWD";

/** Values that are wrong nearly everywhere. */
export const hostileValues: readonly unknown[] = [
  null,
  true,
  0,
  -0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  -1e308,
  "",
  " ",
  "\u0000",
  "\ud800",
  "\ufeff",
  "a\r\nb",
  "\u001b[31mred",
  "\u202egnp",
  "x".repeat(129),
  "x".repeat(10_000),
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "%s%n{{7*7}}",
  "' OR 1=1; DROP TABLE jobs; --",
  "NaN",
  CANARY,
  `Bearer ${CANARY}`,
  `https://user:${CANARY}@host/**`,
  [],
  [null],
  [[[[[[]]]]]],
  {},
  JSON.parse('{"toJSON":1,"then":1,"length":-1}'),
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
];

const deep = (open: string, close: string, depth: number) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;

/** Frames that somebody has thought of. */
export function hostileCorpus(known: Knowledge): HostileFrame[] {
  const { session, job, foreignSession, foreignJob, foreignToken } = known;
  let count = 0;
  const id = () => `corpus_${++count}`;
  const text = (data: string): HostileFrame => ({ data });
  const framed = (type: unknown, payload: unknown, rest: object = {}) =>
    text(JSON.stringify({ arcp: "1.1", id: id(), type, session_id: session, payload, ...rest }));
  /** With a payload, or more of the envelope, that JSON.stringify would not write. */
  const spliced = (type: string, payload: string, rest = "") =>
    text(
      `{"arcp":"1.1","id":"${id()}","type":"${type}","session_id":"${session}","payload":${payload}${rest}}`,
    );
  const submit = (payload: object) => framed("job.submit", { agent: "echo", ...payload });

  const unreadable = [
    "",
    " ",
    "\n",
    "\r\n",
    "\ufeff",
    "\u0000",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "NaN",
    "undefined",
    "1",
    "-0",
    "1e999",
    "'",
    '"',
    '"x"',
    "{]",
    "{'a':1}",
    "{a:1}",
    '{"a":}',
    '{"a":1,}',
    '{"a":1}{"b":2}',
    "[{}]",
    '{"arcp":"1.1","id":"x","type":"session.ping","payload":{"nonce":"\u0001"}}',
    '{"arcp":"1.1","id":"x","type":"session.ping","payload":{"nonce":"\\x"}}',
    '{"arcp":"1.1","id":"\\ud800","type":"session.ping","payload":{}}',
    deep("[", "]", 100_000),
    deep('{"a":', "}", 100_000),
    deep("[", "]", 129),
    "[".repeat(300_000),
    '"'.repeat(1_001),
    "\\".repeat(100_000),
    "GET /arcp HTTP/1.1\r\nHost: x\r\n\r\n",
    "<?xml version='1.0'?>",
    '{"jsonrpc":"2.0","id":1,"method":"initialize"}',
    '{"type":"session.open","arcp":"1.1","id":"rust"}',
  ].map(text);

  const bytes: HostileFrame[] = [
    { data: Buffer.from([0xff, 0xfe, 0xfd]) },
    { data: Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]) },
    { data: Buffer.from([0xed, 0xa0, 0x80]) },
    { data: Buffer.from('{"arcp":"1.1"}'), binary: true },
    { data: Buffer.alloc(0), binary: true },
    { data: `"${"x".repeat(4 * 1024 * 1024)}"` },
    {
      data: `{"arcp":"1.1","id":"big","type":"job.submit","payload":{"agent":"${"x".repeat(3_000_000)}"}}`,
    },
  ];

  const envelopes = [
    ...hostileValues.flatMap((value) => [
      framed(value, {}),
      framed("session.ping", value),
      framed("job.submit", value),
      ...[
        "id",
        "session_id",
        "job_id",
        "trace_id",
        "event_seq",
        "job_seq",
        "extensions",
        "arcp",
      ].map((field) => framed("session.list_jobs", {}, { [field]: value })),
    ]),
    ...[
      "session.foo",
      "job.foo",
      "foo",
      "x-vendor",
      "x-vendor.",
      "x-vendor.acme",
      "x-vendor..x",
      "X-VENDOR.a.b",
    ].flatMap((type) => [framed(type, {}), framed(type, {}, { extensions: { optional: true } })]),
    framed("x-vendor.acme.note", {}),
    framed("x-vendor.acme.note", {}, { extensions: { optional: true } }),
    framed("x-vendor.acme.note", {}, { extensions: { optional: "true" } }),
    framed("x-vendor.acme.note", {}, { extensions: { optional: 1, __proto__: null } }),
    spliced("session.ping", '{"nonce":"a","nonce":"b"}'),
    spliced("session.ping", '{"nonce":"a"}', ',"type":"session.close","id":"twice"'),
    spliced("session.ping", '{"nonce":"a"}', ',"__proto__":{"type":"session.close"}'),
    spliced("session.ack", '{"last_processed_seq":1e400}'),
    spliced("session.ack", '{"last_processed_seq":-0}'),
    spliced("session.list_jobs", '{"limit":1e400}'),
    spliced("session.list_jobs", '{"limit":1.0000000000000001}'),
    spliced("job.submit", `{"agent":"echo","input":${"1".repeat(100_000)}}`),
    spliced("job.submit", `{"agent":"echo","input":${deep("[", "]", 126)}}`),
    spliced(
      "job.submit",
      '{"agent":"echo","__proto__":{"agent":"x"},"constructor":{"prototype":{"polluted":true}}}',
    ),
  ];

  const forged = [
    framed("session.welcome", { resume_token: "rt_x", resume_window_sec: 1, capabilities: {} }),
    framed("session.error", { code: "INTERNAL_ERROR", message: "die", retryable: true }),
    framed("session.jobs", { jobs: [], next_cursor: null }),
    framed("session.closed", {}),
    framed(
      "job.accepted",
      { job_id: foreignJob, agent: "echo", lease: {}, trace_id: "0".repeat(32) },
      { job_id: foreignJob },
    ),
    framed(
      "job.event",
      { kind: "log", body: { level: "info", message: "forged" } },
      { job_id: foreignJob, event_seq: 1 },
    ),
    framed("job.event", { kind: "log", body: {} }, { job_id: job, event_seq: 999, job_seq: 999 }),
    framed(
      "job.result",
      { final_status: "success", result: "forged" },
      { job_id: foreignJob, event_seq: 2 },
    ),
    framed(
      "job.error",
      { final_status: "error", code: "CANCELLED", message: "forged", retryable: false },
      { job_id: foreignJob, event_seq: 3 },
    ),
    framed("job.cancelled", { job_id: foreignJob }, { job_id: foreignJob }),
    framed(
      "job.subscribed",
      { job_id: foreignJob, current_status: "running" },
      { job_id: foreignJob },
    ),
  ];

  const trespassing = [
    ...["job.cancel", "job.subscribe", "job.unsubscribe"].flatMap((type) => [
      framed(type, { job_id: foreignJob }),
      framed(type, {}, { job_id: foreignJob }),
      framed(type, { job_id: foreignJob, history: true, from_job_seq: 0, reason: CANARY }),
      framed(type, { job_id: job }, { job_id: foreignJob }),
      framed(type, { job_id: foreignJob }, { session_id: foreignSession }),
      framed(type, { job_id: "job_unknown" }),
      framed(type, {}),
    ]),
    ...[
      "session.ping",
      "session.list_jobs",
      "session.close",
      "session.bye",
      "session.ack",
      "job.submit",
    ].map((type) =>
      framed(
        type,
        { nonce: "n", agent: "echo", last_processed_seq: 9 },
        { session_id: foreignSession },
      ),
    ),
    ...[foreignToken, "rt_guess", "", CANARY].flatMap((resume_token) => [
      framed("session.resume", {
        resume_token,
        last_event_seq: 0,
        auth: { scheme: "bearer", token: CANARY },
      }),
      framed("session.hello", {
        auth: { scheme: "bearer", token: CANARY },
        resume: { session_id: foreignSession, resume_token, last_event_seq: 0 },
      }),
      framed("session.hello", {
        auth: { scheme: "bearer", token: CANARY },
        resume_token,
        last_event_seq: -5,
      }),
    ]),
    framed("job.submit", { agent: "echo", parent_job_id: foreignJob }),
    framed("session.list_jobs", {
      cursor: Buffer.from(JSON.stringify([0, foreignJob])).toString("base64url"),
    }),
    framed("session.list_jobs", { cursor: Buffer.from("[1e999,null]").toString("base64url") }),
  ];

  const openings = [
    framed("session.hello", { auth: { scheme: "bearer", token: CANARY } }),
    framed("session.hello", { auth: { scheme: "basic", token: CANARY } }),
    framed("session.hello", {
      auth: null,
      capabilities: { features: Array.from({ length: 5_000 }, (_, i) => `f${i}`) },
    }),
    framed("session.hello", {
      auth: { scheme: "bearer", token: CANARY },
      capabilities: { encodings: ["cbor"] },
    }),
    framed("session.hello", { auth: { scheme: "bearer", token: "x".repeat(60_000) } }),
    framed("session.resume", { resume_token: "rt_x", last_event_seq: 2 ** 53 }),
    framed("session.resume", { resume_token: ["rt_x"], last_event_seq: "0" }),
    framed("session.hello", {}, { arcp: "2.0" }),
    framed("session.hello", { auth: { scheme: "bearer", token: CANARY } }, { arcp: "1.1.1\n" }),
  ];

  const authority = [
    ...[
      "(a+)+$",
      "a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
      "**/**/**/**",
      "[[[[",
      "***",
      "\\",
      "a".repeat(2_000),
      "..",
      "/../x",
      "\u0000",
      "\ud800",
    ].flatMap((pattern) => [
      submit({ lease_request: { "fs.read": [pattern] } }),
      submit({ lease_request: { "tool.call": [pattern] } }),
      submit({ agent: pattern }),
      framed("session.list_jobs", { filter: { agent: pattern } }),
    ]),
    ...[
      "fs.read",
      "fs.write",
      "net.fetch",
      "tool.call",
      "model.use",
      "cost.budget",
      "x-vendor.a.b",
      "fs.reed",
      `Bearer ${CANARY}`,
      "__proto__",
      "a\nb",
    ].flatMap((namespace) => [
      spliced(
        "job.submit",
        `{"agent":"echo","lease_request":{${JSON.stringify(namespace)}:[${JSON.stringify(`https://u:${CANARY}@h/?#`)}]}}`,
      ),
      spliced(
        "job.submit",
        `{"agent":"echo","lease_request":{${JSON.stringify(namespace)}:{"0":1}}}`,
      ),
    ]),
    ...[
      `USD:${CANARY}`,
      "USD:1e999",
      "USD:-1",
      "usd:NaN",
      "USD:0x10",
      `USD:${"9".repeat(10_000)}`,
      "USD:1.".padEnd(5_000, "0"),
    ].map((amount) => submit({ lease_request: { "cost.budget": [amount] } })),
    submit({ lease_request: { "tool.call": Array.from({ length: 5_000 }, (_, i) => `t${i}`) } }),
    submit({
      lease_request: { "tool.call": Array.from({ length: 900 }, () => "x".repeat(1_000)) },
    }),
    submit({ lease_constraints: { expires_at: "0000-00-00T00:00:00Z" } }),
    submit({ lease_constraints: { expires_at: CANARY } }),
    submit({ max_runtime_sec: 9_007_199_254_740_991 }),
    submit({ idempotency_key: "\u0000".repeat(256) }),
    submit({ idempotency_key: "😀".repeat(128) }),
    submit({ idempotency_key: "😀".repeat(129) }),
    submit({ agent: CANARY }),
    // A version that could be one is repeated: "echo has no version 9.0.0".
    submit({ agent: `echo@Bearer ${CANARY}` }),
    submit({ agent: "echo\n" }),
    submit({ agent: "ECHO" }),
    framed("session.list_jobs", { filter: { status: [CANARY] } }),
    framed("session.list_jobs", { filter: { created_after: CANARY }, cursor: CANARY, limit: 1 }),
    framed("session.close", { reason: "r".repeat(1_025) }),
    framed("session.close", { reason: CANARY }),
    framed("session.bye", { reason: 5 }),
    framed("session.bye", {}),
  ];

  return [
    ...unreadable,
    ...bytes,
    ...envelopes,
    ...forged,
    ...trespassing,
    ...openings,
    ...authority,
  ];
}
