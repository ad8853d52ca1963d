import assert from "node:assert/strict";
import type { Envelope } from "@arcp/core";
import type { WireClient } from "../../wire/wire-client.ts";
import { cancel, subscribe } from "../job-request.ts";
import { hello } from "../raw-socket.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { reached, thought } from "../thought.ts";

const ids = [
  "a/b",
  " ",
  "1",
  "ünï-🦊-id",
  '"quoted" \\ {}',
  "msg_01KB2M5XQZ7V3W8R4T6Y9N0C1D",
  "i".repeat(128),
];

export const envelope: readonly Scenario[] = [
  {
    name: "every kind of reply has its version, ids, numbers, times and fields in the right form",
    verifies: ["R-5.1-1", "R-5.1-4", "R-5.1-6", "R-5.2-1", "R-5.2-2", "R-5.2-3"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [
        { do: "log", level: "info", message: "m", attributes: { absent: null } },
        { do: "status", phase: "p" },
        { do: "metric", name: "m", value: 1 },
        { do: "artifact", uri: "https://files.test/a", content_type: "text/plain" },
        { do: "progress", current: 1 },
        { do: "emit", kind: "x-vendor.conformance.note", body: { absent: null } },
        gate.step,
      ]);
      const other = await site.greeted();
      await subscribe(other, id, { history: true });
      await wire.request("session.list_jobs", {});
      await refusal(wire.submit({ agent: "nobody" }), "a submit to nobody");
      await cancel(wire, id, "enough");
      for (const client of [wire, other]) {
        for (const { event_seq, job_seq, payload } of await client.until(isTerminal)) {
          assert.ok(Number.isSafeInteger(event_seq), "R-5.2-3: event_seq is no integer");
          assert.ok(
            job_seq === undefined || Number.isSafeInteger(job_seq),
            "R-5.2-3: job_seq is no integer",
          );
          assert.ok("ts" in payload === "kind" in payload, "R-5.2-2: an event lacks ts");
        }
      }
      await site.played(wire, [{ do: "stream", text: "streamed" }]);
      await site.settled(wire);
      await wire.request("session.close", {});
    },
  },
  {
    name: "a client of another major version is refused, one of any 1.x or of no version is welcomed",
    verifies: ["R-5.1-2"],
    async play(site) {
      for (const arcp of ["2.0", "0.9", "2", "11", "1.1.1x"]) {
        const wire = await site.wire();
        await wire.send(hello(site.tokens.first, { arcp }), { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.error", `arcp ${arcp} was not refused`);
        assert.equal("code" in answer.payload && answer.payload.code, "INVALID_REQUEST");
      }
      for (const arcp of [undefined, "1", "1.0", "1.1", "1.9"]) {
        const wire = await site.wire();
        await wire.send(JSON.stringify({ ...hello(site.tokens.first), arcp }), { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.welcome", `arcp ${arcp} was refused`);
      }
    },
  },
  {
    name: "an id of any characters is returned unchanged in replies and refusals",
    verifies: ["R-5.1-3", "R-5.4-1"],
    async play(site) {
      const wire = await site.greeted();
      for (const id of ids) {
        await wire.request("session.list_jobs", { limit: 1 }, { id });
        const next = `${id.slice(0, 127)}2`;
        const refused = wire.request("job.cancel", { job_id: "job_no" }, { id: next });
        await refusal(refused, "the cancel of no job");
      }
    },
  },
  {
    name: "no two messages have the same id, and a record that is sent again keeps its own",
    verifies: ["R-5.1-3"],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-6.3-8"] });
      const say = { do: "thought", text: "again" } as const;
      const first = await site.played(wire, [{ do: "repeat", times: 300, steps: [say] }]);
      const own = first.map(({ id }) => id);
      assert.equal(new Set(own).size, own.length, "two messages have the same id");
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: 0 });
      const replayed = await again.until(isTerminal);
      assert.deepEqual(
        replayed.map(({ id }) => id),
        own,
        "a record came again under another id",
      );
    },
  },
  {
    name: "an envelope without session_id belongs to the session of its connection",
    verifies: ["R-5.1-5"],
    async play(site) {
      const wire = await site.greeted();
      const payload = { agent: "conformance.script", input: { steps: [] } };
      const message = { arcp: "1.1", id: "req_1", type: "job.submit", payload };
      await wire.send(JSON.stringify(message), { faulty: true });
      const accepted = await wire.reply("job.submit", "req_1");
      assert.equal(accepted.session_id, wire.sessionId);
      await wire.next(isTerminal);
    },
  },
  {
    name: "an envelope that names another session is refused and has no effect on either",
    verifies: ["R-5.1-5"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const mine = await site.play(wire, [gate.step, { do: "return", value: "mine" }]);
      const others = [await site.greeted(), await site.greeted({ who: "second" })];
      const jobs = await Promise.all(
        others.map((other) => site.play(other, [thought("runs"), gate.step])),
      );
      for (const client of others) await reached(client, "runs");
      const heard = others.map(heardBy);
      const foreign = [...others.map(({ sessionId }) => `${sessionId}`), "sess_unknown"];
      for (const [index, session_id] of foreign.entries()) {
        const job_id = jobs[index]?.id ?? mine.id;
        const requests: readonly [type: string, fields: object][] = [
          ["job.submit", { payload: { agent: "conformance.script", input: { steps: [] } } }],
          ["job.cancel", { job_id, payload: { job_id } }],
          ["session.close", { payload: {} }],
          ["session.ping", { payload: { nonce: "x", sent_at: "2026-11-02T08:16:00.000Z" } }],
          ["job.unsubscribe", { job_id, payload: { job_id } }],
        ];
        for (const [type, fields] of requests) {
          const id = `req_${index}_${type}`;
          await wire.send({ id, type, ...fields, session_id }, { faulty: true });
          const answer = await wire.notice(() => true);
          assert.equal(answer.type, "session.error", `${type} of ${session_id} was not refused`);
          assert.equal(codeOf(answer), "INVALID_REQUEST");
        }
      }
      // Nobody was sent anything, no job was cancelled, and all sessions go on.
      for (const client of [wire, ...others]) await site.settled(client);
      assert.deepEqual(others.map(heardBy), heard, "another session got something");
      await gate.open();
      for (const client of [wire, ...others]) {
        const end = (await client.until(isTerminal)).at(-1);
        assert.equal(end?.type, "job.result", "a job of another session was touched");
      }
    },
  },
  {
    name: "unknown fields are ignored wherever they are",
    verifies: ["R-5.1-7"],
    async play(site) {
      const wire = await site.wire();
      const zzz = { deep: [1, { x: 2 }] };
      const opening = hello(site.tokens.first, { zzz, extensions: { "x-vendor.acme.side": zzz } });
      const { client, auth, capabilities } = opening.payload as Record<string, object>;
      const payload = {
        zzz,
        client: { ...client, zzz },
        auth: { ...auth, zzz },
        capabilities: { ...capabilities, features: ["list_jobs"], zzz },
      };
      await wire.send({ ...opening, payload });
      await wire.notice(({ type }) => type === "session.welcome");
      const requests: readonly [type: string, payload: object, fields?: object][] = [
        [
          "job.submit",
          {
            agent: "conformance.script",
            input: { steps: [] },
            lease_request: {},
            lease_constraints: { zzz },
            zzz,
          },
        ],
        ["session.list_jobs", { filter: { zzz }, zzz }],
        ["job.cancel", { job_id: "job_no", zzz }, { job_id: "job_no" }],
        ["session.close", { zzz }],
      ];
      for (const [type, given, fields] of requests) {
        const message = { type, id: `req_${type}`, payload: given, ...fields, zzz };
        await wire.send({ ...message, extensions: { zzz } }, { faulty: true });
        const answer = await wire.notice(
          ({ payload: { request_id } }: Envelope & { payload: { request_id?: unknown } }) =>
            request_id === `req_${type}`,
        );
        assert.notEqual(codeOf(answer), "INVALID_REQUEST", `${type} was refused`);
      }
    },
  },
  {
    name: "an unknown capability in a lease is refused, not ignored",
    verifies: ["R-5.1-7"],
    async play(site) {
      const wire = await site.greeted();
      const lease_request = { "fs.read": ["/a"], "fs.reed": ["/a"] };
      const payload = { agent: "conformance.script", input: { steps: [] }, lease_request };
      await wire.send({ type: "job.submit", id: "req_1", payload }, { faulty: true });
      const { code } = await refusal(wire.reply("job.submit", "req_1"), "fs.reed");
      assert.equal(code, "INVALID_REQUEST");
    },
  },
];

function codeOf({ payload }: Envelope): string | undefined {
  return "code" in payload ? payload.code : undefined;
}

/** Everything that a client was sent, except the answers to its pings. */
function heardBy({ transcript }: WireClient): string[] {
  const lines = transcript.toString().split("\n");
  return lines.filter((line) => line.startsWith("<-") && !line.includes("session.pong"));
}
