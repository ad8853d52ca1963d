import assert from "node:assert/strict";
import { at } from "../../json-object.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { WireRejection } from "../../wire/wire-rejection.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { subscribe } from "../job-request.ts";
import { feature, settingWithin, windowWithin } from "../need.ts";
import { refusal, refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

/** Patterns that just fit into a message: no lease can need so many. */
const PATTERNS = 100_000;
const FLOOD = 500;

export const security: readonly Scenario[] = [
  {
    name: "a principal's session beyond the limit is refused, and another principal's is not",
    verifies: ["R-14-1", "R-14-2"],
    needs: [settingWithin("connectedSessionsPerPrincipal", 100)],
    alone: true,
    async play(site) {
      const limit = site.facts.settings.connectedSessionsPerPrincipal;
      const open: WireClient[] = [];
      let refused: WireRejection | undefined;
      while (refused === undefined) {
        assert.ok(open.length <= limit, `R-14-1: ${open.length} sessions are connected`);
        try {
          open.push(await site.greeted());
        } catch (error) {
          if (!(error instanceof WireRejection)) throw error;
          refused = error;
        }
      }
      // The sessions of earlier scenarios may not be gone yet.
      assert.ok(open.length > 0, "R-14-1: no session at all was opened");
      const { code, retryable, details } = refused.payload;
      assert.deepEqual([code, retryable], ["INTERNAL_ERROR", true], "R-14-1: the refusal");
      assert.equal(typeof details?.reason, "string", "R-14-1: the refusal lacks a reason");
      await site.played(await site.greeted({ who: "second" }), []);
      const [first] = open;
      if (first !== undefined) await site.settled(first);
      // Makes room before the next scenario begins.
      await Promise.all(open.map((wire) => wire.request("session.close", {})));
    },
  },
  {
    name: "a flood of requests in one session does not starve others",
    verifies: ["R-14-2"],
    async play(site) {
      const flood = await site.greeted();
      const other = await site.greeted({ who: "second" });
      const sendings = Array.from({ length: FLOOD }, (_, n) =>
        flood.send({ type: "session.list_jobs", id: `req_${n}`, payload: { limit: 20 } }),
      );
      await Promise.all(sendings);
      await site.settled(other);
      await site.played(other, [{ do: "return", value: 1 }]);
    },
  },
  {
    name: "a lease with a hundred thousand patterns is refused",
    verifies: ["R-14-2"],
    async play(site) {
      const wire = await site.greeted();
      const lease_request = {
        "fs.read": Array.from({ length: PATTERNS }, (_, n) => `/${n}`),
      };
      const payload = { agent: "conformance.script", input: { steps: [] }, lease_request };
      const { code } = await refusedSubmit(wire, payload, "a lease with 100,000 patterns");
      assert.ok(code === "INVALID_REQUEST" || code === "INTERNAL_ERROR", code);
      await site.played(wire, []);
    },
  },
  {
    name: "what an existing session was sent is kept for it until its window ends, and is then gone",
    verifies: ["R-14-3"],
    needs: [windowWithin(30)],
    async play(site) {
      const { resumeWindowSec } = site.facts;
      const wire = await site.greeted();
      const sent = await site.played(wire, [
        { do: "repeat", times: 20, steps: [{ do: "thought", text: "kept" }] },
      ]);
      await site.drop(wire);
      // A runtime that forgets at once what was sent, or who left, has done so by then.
      await site.pause(resumeWindowSec * 200);
      const again = await site.resumed(wire, { lastEventSeq: 0 });
      const replayed = await again.until(isTerminal);
      assert.equal(replayed.length, sent.length, "R-14-3: something was deleted too early");
      await site.drop(again);
      await site.pause(resumeWindowSec * 1000 + 3000);
      const { code } = await refusal(site.resumed(again), "the resume after the window");
      assert.equal(code, "RESUME_WINDOW_EXPIRED", "R-14-3: the session is still there");
    },
  },
  {
    name: "events that a client makes up reach neither its job's log nor its viewers",
    verifies: ["R-14-4"],
    needs: [feature("subscribe")],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [gate.step, { do: "thought", text: "true" }]);
      const watcher = await site.greeted();
      await subscribe(watcher, id);
      const thief = await site.greeted({ who: "second" });
      const event = { kind: "thought", ts: "2026-11-02T08:21:00.050Z", body: { text: "forged" } };
      const forged = [
        { type: "job.event", payload: event },
        { type: "job.result", payload: { final_status: "success", result: "forged" } },
        {
          type: "job.error",
          payload: { final_status: "error", code: "CANCELLED", message: "forged" },
        },
      ];
      for (const client of [wire, watcher, thief]) {
        for (const session_id of new Set([client.sessionId, wire.sessionId])) {
          for (const [index, message] of forged.entries()) {
            const rid = `req_forged_${index}_${session_id === client.sessionId}`;
            const envelope = { ...message, id: rid, session_id, job_id: id, event_seq: 2 };
            await client.send(envelope, { faulty: true });
            const answer = await client.notice(() => true);
            assert.equal(at(answer, "payload.code"), "INVALID_REQUEST", `${message.type}`);
          }
        }
      }
      await gate.open();
      const late = await site.greeted();
      await subscribe(late, id, { history: true });
      for (const client of [wire, watcher, late]) {
        const all = await client.until(isTerminal);
        assert.deepEqual(bodiesOf(all, "thought"), [{ text: "true" }]);
        assert.equal(kindsOf(all).at(-1), "job.result");
        assert.notEqual(at(all.at(-1), "payload.result"), "forged");
      }
    },
  },
];
