import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { at, parseJsonObject } from "../../json-object.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { endingOf } from "../ending.ts";
import type { Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

const script = "conformance.script";
const job = { job_id: "job_1" };

const notObjects = [
  "{",
  "[]",
  "null",
  "true",
  "1",
  '"x"',
  '{"a":1}{"b":2}',
  "\u0000",
  "nul",
  "[{}]",
];

const withoutIds: readonly object[] = [
  {},
  { type: "session.list_jobs", payload: {} },
  { id: "", type: "session.list_jobs", payload: {} },
  { id: 5, type: "session.list_jobs", payload: {} },
  { id: null, type: "session.list_jobs", payload: {} },
  { id: "x".repeat(129), type: "session.list_jobs", payload: {} },
];

/** The fault of an envelope or a payload, and the field that is to blame. */
const wrong: readonly (readonly [message: object, field: string])[] = [
  [{ payload: {} }, "type"],
  [{ type: "", payload: {} }, "type"],
  [{ type: 5, payload: {} }, "type"],
  [{ type: null, payload: {} }, "type"],
  ...[5, ""].map((session_id) => [{ ...ping({ nonce: "1" }), session_id }, "session_id"] as const),
  [{ ...ping({ nonce: "1" }), extensions: [] }, "extensions"],
  [{ type: "job.cancel", payload: {}, job_id: 5 }, "job_id"],
  [{ type: "job.submit" }, "payload"],
  ...[null, [], "x", 5].map((payload) => [{ type: "job.submit", payload }, "payload"] as const),
  ...[undefined, null, 5, ["a"], "", "NO NAME"].map(
    (agent) => [submit({ agent }), "agent"] as const,
  ),
  ...[0, "5", 2 ** 60].map(
    (most) => [submit({ max_runtime_sec: most }), "max_runtime_sec"] as const,
  ),
  ...["x", { "fs.read": null }].map(
    (lease_request) => [submit({ lease_request }), "lease_request"] as const,
  ),
  ...["", "k".repeat(257)].map(
    (idempotency_key) => [submit({ idempotency_key }), "idempotency_key"] as const,
  ),
  ...["r".repeat(1025), 5].map((reason) => [about("job.cancel", { reason }), "reason"] as const),
  [{ type: "job.cancel", payload: {} }, "job_id"],
  [{ type: "job.unsubscribe", payload: {} }, "job_id"],
  ...["history", "from_event_seq", "from_job_seq"].map(
    (field) => [about("job.subscribe", { [field]: "yes" }), field] as const,
  ),
  [about("job.subscribe", { history: true, from_job_seq: -1 }), "from_job_seq"],
  [{ type: "session.list_jobs", payload: { limit: "5" } }, "limit"],
  ...[undefined, "", 5, "n".repeat(129)].map((nonce) => [ping({ nonce }), "nonce"] as const),
  ...[undefined, -1, "1"].map(
    (last_processed_seq) =>
      [{ type: "session.ack", payload: { last_processed_seq } }, "last_processed_seq"] as const,
  ),
  [{ type: "session.close", payload: { reason: "r".repeat(1025) } }, "reason"],
];

function submit(fields: object): object {
  return { type: "job.submit", payload: { agent: script, ...fields } };
}

function about(type: string, fields: object): object {
  return { type, payload: { ...job, ...fields }, ...job };
}

function ping(payload: object): object {
  return { type: "session.ping", payload };
}

const unknownTypes = [
  "session.foo",
  "job.foo",
  "foo",
  "session",
  "x-vendor",
  "__proto__",
  "constructor",
  // A message that only a runtime sends is no request.
  "session.welcome",
  "job.accepted",
  "job.event",
  "job.result",
  "job.cancelled",
  "session.closed",
  "session.error",
];

/** Frames that are no opening request. */
const openings: readonly string[] = [
  "{",
  "[]",
  "null",
  '"session.hello"',
  "{}",
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  framed({ type: "job.submit", payload: { agent: script, input: { steps: [] } } }),
  framed({ type: "session.ping", payload: { nonce: "1" } }),
  framed({ type: "session.open", payload: {} }),
  framed({ type: "session.resume", payload: { last_event_seq: 0 } }),
  framed({ type: "x-vendor.acme.hello", payload: {}, extensions: { optional: true } }),
];

export const malformed: readonly Scenario[] = [
  {
    name: "text that is not a JSON object, or has no id, is refused once, and the session continues",
    verifies: ["R-5.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const frames = [
        ...notObjects,
        ...withoutIds.map((fields) =>
          JSON.stringify({ arcp: "1.1", session_id: wire.sessionId, ...fields }),
        ),
      ];
      for (const frame of frames) await refuse(wire, frame, undefined);
      await goesOn(site, wire);
    },
  },
  {
    name: "a message that violates its schema is refused once, with its id and the field at fault, and the session continues",
    verifies: ["R-5.3-1", "R-5.3-6"],
    async play(site) {
      const wire = await site.greeted();
      for (const [message, field] of wrong) {
        const id = newMessageId("req_");
        const frame = framed({ id, session_id: wire.sessionId, ...message });
        const text = await refuse(wire, frame, id);
        assert.ok(
          text.includes(field),
          `R-5.3-6: ${frame} is refused without a word of ${field}: ${text}`,
        );
      }
      await goesOn(site, wire);
    },
  },
  ...openings.map(
    (frame): Scenario => ({
      name: `${frame.replace(/"arcp".*?,"type"/, '"type"').slice(0, 80)} instead of a hello is refused, and ends the connection`,
      verifies: ["R-5.3-2"],
      async play(site) {
        const wire = await site.wire();
        await wire.send(frame, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.error");
        assert.equal(at(answer, "payload.code"), "INVALID_REQUEST");
        assert.notEqual(await endingOf(wire), "still open", "the connection stays open");
      },
    }),
  ),
  {
    name: "a message of an unknown type is refused, even if it calls itself optional",
    verifies: ["R-5.3-3"],
    async play(site) {
      const wire = await site.greeted();
      for (const type of unknownTypes) {
        for (const fields of [{}, { extensions: { optional: true } }]) {
          const id = newMessageId("req_");
          const message = { id, type, session_id: wire.sessionId, payload: {}, ...fields };
          await refuse(wire, framed(message), id);
        }
      }
      await goesOn(site, wire);
    },
  },
  {
    name: "a vendor's message that calls itself optional is dropped silently, and any other is refused",
    verifies: ["R-5.3-4"],
    async play(site) {
      const wire = await site.greeted();
      const extensions = { optional: true };
      for (const type of ["x-vendor.acme.note", "x-vendor.acme.deep.er"]) {
        await wire.send({ type, payload: { any: 1 }, extensions });
      }
      await goesOn(site, wire);
      for (const fields of [{}, { extensions: { optional: false } }, { extensions: {} }]) {
        const id = newMessageId("req_");
        const message = { id, type: "x-vendor.acme.note", session_id: wire.sessionId, payload: {} };
        await refuse(wire, framed({ ...message, ...fields }), id);
      }
      await goesOn(site, wire);
    },
  },
  {
    name: "no error shows a stack trace, a source path or a secret",
    verifies: ["R-5.3-6"],
    async play(site) {
      const wire = await site.greeted();
      const texts = [
        await refuse(wire, "{", undefined),
        await refuse(wire, `{"token":"${site.tokens.first}"`, undefined),
      ];
      for (const agent of [site.tokens.first, "nobody"]) {
        const id = newMessageId("req_");
        await wire.send({ type: "job.submit", id, payload: { agent } }, { faulty: true });
        texts.push(`${at(await wire.notice(() => true), "payload.message")}`);
      }
      const [end] = (await site.played(wire, [{ do: "crash", message: "boom" }])).slice(-1);
      texts.push(JSON.stringify(end?.payload));
      for (const text of texts) assertHarmless(text);
    },
  },
];

/** Sends what must be refused as an invalid request. @returns the text of the error */
async function refuse(wire: WireClient, frame: string, id: string | undefined): Promise<string> {
  await wire.send(frame, { faulty: true });
  const answer = await wire.notice(() => true);
  const shown = frame.slice(0, 200);
  assert.equal(answer.type, "session.error", `${shown} is answered by ${answer.type}`);
  assert.equal(at(answer, "payload.code"), "INVALID_REQUEST", shown);
  assert.equal(at(answer, "payload.request_id"), id, `the request_id of the refusal of ${shown}`);
  const text = `${at(answer, "payload.message")}`;
  assertHarmless(text);
  return text;
}

function assertHarmless(text: string): void {
  assert.ok(text.length < 500, `R-5.3-6: this is not short: ${text}`);
  assert.ok(
    !/\n\s+at |\\n\s+at |\/src\/|\/node_modules\/|\.[jt]s:\d+|\.(go|java|cs|py|rs):\d+/.test(text),
    `R-5.3-6: this shows where the code is: ${text}`,
  );
}

/** Nothing was sent beyond what has been read, and the session still works. */
async function goesOn(site: Site, wire: WireClient): Promise<void> {
  const nonce = newMessageId("on_");
  const payload = { nonce, sent_at: "2026-11-02T08:16:00.000Z" };
  await wire.send({ type: "session.ping", payload }, { faulty: true });
  const next = await wire.notice(() => true);
  assert.equal(at(next, "payload.ping_nonce"), nonce, `${next.type} was said besides`);
  await site.played(wire, []);
}

function framed(message: object): string {
  const text = JSON.stringify({ arcp: "1.1", id: "req_1", ...message });
  assert.ok(parseJsonObject(text) !== undefined);
  return text;
}
