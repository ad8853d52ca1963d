import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";

const sent_at = "2026-11-02T08:16:00.000Z";
// Pings are answered whether heartbeats were agreed on or not (R-6.4-2).
const pinging = { waive: ["R-6.2-2"] } as const;
const TRACE = "9f2c41d07be84a6392d5e8b1c03f7a64";

/** Frames of an established session that are wrong; `id` stands where it could be read. */
function wrongFrames(session: string, foreign: string): [frame: string, id: string | undefined][] {
  let count = 0;
  const raw = (text: string): [string, undefined] => [text, undefined];
  const unreadable = (fields: object): [string, undefined] => [
    JSON.stringify({ arcp: "1.1", session_id: session, ...fields }),
    undefined,
  ];
  const wrong = (fields: object): [string, string] => {
    const id = `req_wrong_${++count}`;
    return [JSON.stringify({ arcp: "1.1", id, session_id: session, ...fields }), id];
  };
  const submit = (payload: unknown): [string, string] => wrong({ type: "job.submit", payload });
  const about = (type: string, payload: unknown, fields: object = {}): [string, string] =>
    wrong({ type, payload, ...fields });
  const job = { job_id: "job_1" };
  return [
    // Not a JSON object.
    ...["", "{", "[]", "null", "true", "1", '"x"', '{"a":1}{"b":2}', "\u0000", "nul", "[{}]"].map(
      raw,
    ),
    raw(`${"[".repeat(200_000)}${"]".repeat(200_000)}`),
    raw(`{"arcp":"1.1","type":"job.submit","payload":${'{"a":'.repeat(129)}1${"}".repeat(130)}`),
    // Without a readable id.
    unreadable({}),
    unreadable({ type: "session.ping", payload: { nonce: "1" } }),
    unreadable({ id: "", type: "session.ping", payload: { nonce: "1" } }),
    unreadable({ id: 5, type: "session.ping", payload: { nonce: "1" } }),
    unreadable({ id: null, type: "session.ping", payload: { nonce: "1" } }),
    unreadable({ id: "x".repeat(129), type: "session.ping", payload: { nonce: "1" } }),
    // An envelope that is wrong.
    wrong({ payload: {} }),
    wrong({ type: "", payload: {} }),
    wrong({ type: 5, payload: {} }),
    wrong({ type: null, payload: {} }),
    ...[1.5, 0, -1, "1", 2 ** 53].map((event_seq) =>
      about("session.ping", { nonce: "1" }, { event_seq }),
    ),
    about("session.ping", { nonce: "1" }, { session_id: 5 }),
    about("session.ping", { nonce: "1" }, { session_id: "" }),
    about("session.ping", { nonce: "1" }, { extensions: [] }),
    about("job.cancel", {}, { job_id: 5 }),
    // A payload that is wrong.
    wrong({ type: "job.submit" }),
    ...[null, [], "x", 5, {}, { agent: 5 }, { agent: null }, { agent: ["puppet"] }].map(submit),
    ...[0, -1, 1.5, "5", 2 ** 60].map((max_runtime_sec) =>
      submit({ agent: "puppet", max_runtime_sec }),
    ),
    ...[
      [],
      "x",
      { "fs.read": "x" },
      { "fs.read": [""] },
      { "fs.read": [1] },
      { "fs.read": null },
    ].map((lease_request) => submit({ agent: "puppet", lease_request })),
    ...["fs.reed", "x-vendor.acme", "x-vendor..a", "FS.READ", ""].map((name) =>
      submit({ agent: "puppet", lease_request: { [name]: ["a"] } }),
    ),
    submit({ agent: "puppet", idempotency_key: "" }),
    submit({ agent: "puppet", idempotency_key: "k".repeat(257) }),
    ...[
      "",
      "PUPPET",
      "puppet@",
      "@1",
      "pup pet",
      "puppet\n",
      "a@b@c",
      "ä",
      `${"a".repeat(129)}`,
    ].map((agent) => submit({ agent })),
    ...[{}, { nonce: "" }, { nonce: 5 }, { nonce: "n".repeat(129) }].map((payload) =>
      about("session.ping", payload),
    ),
    ...[{}, { last_processed_seq: -1 }, { last_processed_seq: "1" }].map((payload) =>
      about("session.ack", payload),
    ),
    ...["history", "from_event_seq", "from_job_seq"].map((field) =>
      about("job.subscribe", { ...job, [field]: "yes" }, job),
    ),
    about("job.subscribe", { ...job, history: true, from_event_seq: 1, from_job_seq: 1 }, job),
    about("job.subscribe", { ...job, history: true, from_job_seq: -1 }, job),
    about("job.subscribe", {}),
    about("job.unsubscribe", {}),
    about("job.cancel", {}),
    about("job.cancel", { job_id: "job_2" }, job),
    about("job.cancel", { ...job, reason: "r".repeat(1025) }, job),
    about("job.cancel", { ...job, reason: 5 }, job),
    about("session.close", { reason: "r".repeat(1025) }),
    // Somebody else's session, and what only a runtime says.
    about("session.ping", { nonce: "1" }, { session_id: foreign }),
    about("job.submit", { agent: "puppet" }, { session_id: foreign }),
    about("session.close", {}, { session_id: foreign }),
    about("session.close", {}, { session_id: "sess_unknown" }),
    about("job.cancelled", {}, job),
    about("session.closed", {}),
    about("session.error", { code: "INTERNAL_ERROR" }),
    about("job.result", { final_status: "success", result: 1 }, { ...job, event_seq: 1 }),
    about("job.event", { kind: "thought", body: { text: "x" } }, { ...job, event_seq: 1 }),
    // Types that nobody knows.
    ...["session.foo", "job.foo", "foo", "x-vendor", "session", "__proto__", "constructor"].map(
      (type) => about(type, {}),
    ),
    about("foo", {}, { extensions: { optional: true } }),
    about("session.foo", {}, { extensions: { optional: true } }),
    about("x-vendor.acme.note", {}),
    about("x-vendor.acme.note", {}, { extensions: { optional: false } }),
    about("x-vendor.acme.note", {}, { extensions: { optional: "true" } }),
  ];
}

describe.each(ways)("over %s", (way) => {
  test("R-5.3-1, R-5.3-3, R-5.1-5 and R-5.2-7: whatever is wrong is answered once, by INVALID_REQUEST, and the session lives on", async () => {
    await using stage = await Stage.open(way);
    const other = await stage.greeted({ token: tokens.bob });
    const wire = await stage.greeted({}, pinging);
    const { puppet } = await stage.played(wire);
    for (const [frame, id] of wrongFrames(wire.sessionId, other.sessionId)) {
      // An empty line is no frame (R-4.2-3).
      if (frame === "" && way.startsWith("stdio")) continue;
      const shown = frame.slice(0, 120);
      await wire.send(frame, { faulty: true });
      const answer = await wire.notice(() => true);
      expect(answer, shown).toMatchObject({
        type: "session.error",
        session_id: wire.sessionId,
        payload: { code: "INVALID_REQUEST", retryable: false },
      });
      const { request_id, message } = answer.payload as Record<string, unknown>;
      expect(request_id, shown).toBe(id);
      // Short, and says nothing that it should not (R-5.3-6).
      expect(`${message}`.length, shown).toBeLessThan(500);
      expect(message, shown).not.toMatch(/\n|\bat .*:\d+|\/src\/|token-of/);
    }
    // Had anything been answered twice, the second answer would stand in front of this one.
    await wire.send({ type: "session.ping", payload: { nonce: "last", sent_at } });
    expect((await wire.notice(() => true)).payload).toMatchObject({ ping_nonce: "last" });
    puppet.finish("alive");
    const [end] = (await wire.until(({ type }) => type !== "job.event")).slice(-1);
    expect(end?.payload).toMatchObject({ result: "alive" });
    expect(stage.puppets.started).toBe(1);
    // Nothing of it reached the session that was named.
    expect(other.transcript.toString().split("\n")).toHaveLength(2);
    await stage.played(other);
  });

  test("R-5.3-4: a vendor's message that calls itself optional is dropped without a word", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted({}, pinging);
    for (const type of ["x-vendor.acme.note", "x-vendor.acme.deep.er"]) {
      await wire.send({ type, payload: { any: 1 }, extensions: { optional: true } });
    }
    await wire.send({ type: "session.ping", payload: { nonce: "next", sent_at } });
    expect((await wire.notice(() => true)).payload).toMatchObject({ ping_nonce: "next" });
  });

  test("R-5.1-5: an envelope without a session id belongs to the connection's session", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const message = { arcp: "1.1", id: "req_1", type: "job.submit", payload: { agent: "puppet" } };
    await wire.send(JSON.stringify(message), { faulty: true });
    const answer = await wire.notice(() => true);
    expect(answer).toMatchObject({ type: "job.accepted", session_id: wire.sessionId });
  });

  test("R-5.1-7 and R-5.2-1: unknown fields are ignored everywhere but in a lease, and null is absence", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const zzz = { deep: [1] };
    const payload = {
      agent: "puppet",
      zzz,
      lease_request: null,
      lease_constraints: { zzz, expires_at: null },
      idempotency_key: null,
      max_runtime_sec: null,
      parent_job_id: null,
    };
    const fields: object = {
      zzz,
      extensions: { zzz },
      job_id: null,
      trace_id: null,
      event_seq: null,
    };
    await wire.send({ type: "job.submit", id: "req_1", payload, ...fields }, { faulty: true });
    const accepted = await wire.notice(() => true);
    expect(accepted).toMatchObject({ type: "job.accepted", payload: { lease: {} } });
    expect((await stage.puppets.next()).input).toBeNull();
  });

  test("R-5.2-6: keys such as __proto__ are data", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const input =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[{"__proto__":2}]}';
    const envelope = { arcp: "1.1", id: "req_1", type: "job.submit", session_id: wire.sessionId };
    const frame = JSON.stringify(envelope).replace(
      /}$/,
      `,"__proto__":{"type":"session.close"},"payload":{"agent":"puppet","__proto__":{"agent":"x"},"input":${input}}}`,
    );
    await wire.send(frame);
    await wire.reply("job.submit", "req_1");
    const puppet = await stage.puppets.next();
    expect(JSON.stringify(puppet.input)).toBe(input);
    expect(Object.hasOwn({}, "polluted") || "polluted" in {}).toBe(false);
    await puppet.ctx.emit("x-vendor.acme.echo", puppet.input as Record<string, unknown>);
    puppet.finish(puppet.input);
    const told = (await wire.until(({ type }) => type === "job.result")).slice(1).map((e) => {
      return e.type === "job.event" ? e.payload.body : "result" in e.payload && e.payload.result;
    });
    expect(JSON.stringify(told)).toBe(JSON.stringify([JSON.parse(input), JSON.parse(input)]));
  });

  test("R-11-2 and R-11-4: a trace id is taken over, from a traceparent too, and an unusable one is replaced", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const given: [unknown, string | undefined][] = [
      [TRACE, TRACE],
      [`00-${TRACE}-00f067aa0ba902b7-01`, TRACE],
      ["rubbish", undefined],
      ["0".repeat(32), undefined],
      [undefined, undefined],
    ];
    for (const [index, [trace_id, expected]] of given.entries()) {
      const message = { type: "job.submit", id: `req_${index}`, payload: { agent: "puppet" } };
      await wire.send({ ...message, trace_id } as never, { faulty: true });
      const accepted = await wire.reply("job.submit", `req_${index}`);
      expect(accepted.trace_id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      if (expected !== undefined) expect(accepted.trace_id).toBe(expected);
      expect(accepted.payload.trace_id).toBe(accepted.trace_id);
      const puppet = await stage.puppets.next();
      expect(puppet.ctx.job.traceId).toBe(accepted.trace_id);
      puppet.finish();
      for (const e of await wire.until(({ type }) => type === "job.result")) {
        expect(e.trace_id).toBe(accepted.trace_id);
      }
    }
  });

  test("R-5.2-7: deep nesting within the limit passes", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const input = JSON.parse(`${"[".repeat(120)}${"]".repeat(120)}`);
    await wire.submit({ agent: "puppet", input });
    expect((await stage.puppets.next()).input).toEqual(input);
    await settled();
  });
});
