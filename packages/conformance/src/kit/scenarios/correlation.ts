import assert from "node:assert/strict";
import type { Envelope } from "@arcp/core";
import { at } from "../../json-object.ts";
import type { WireMessage } from "../../wire/sent.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { heldSubmit, heldSubmits } from "../held-submit.ts";
import { endsJob } from "../job-end.ts";
import { restart } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

/** How many submits of a session are remembered. */
const REMEMBERED = 1000;

const returning = (value: unknown) => ({
  agent: "conformance.script",
  input: { steps: [{ do: "return" as const, value: value as number }] },
});

export const correlation: readonly Scenario[] = [
  {
    name: "each kind of request is answered exactly once, with its id, whether it is granted or refused",
    verifies: ["R-5.4-1", "R-5.4-2", "R-5.4-4"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(wire, [gate.step]);
      const none = "job_unknown";
      const requests: readonly (WireMessage & { reply: string; faulty?: true })[] = [
        { reply: "job.accepted", type: "job.submit", payload: returning(1) },
        { reply: "session.error", type: "job.submit", payload: { agent: "nobody" } },
        { reply: "session.error", type: "job.submit", payload: { agent: 5 }, faulty: true },
        { reply: "session.jobs", type: "session.list_jobs", payload: {} },
        { reply: "session.error", type: "session.list_jobs", payload: { cursor: "?" } },
        { reply: "session.error", type: "session.list_jobs", payload: { limit: 0 }, faulty: true },
        { reply: "session.error", type: "job.subscribe", job_id: none, payload: { job_id: none } },
        { reply: "session.error", type: "job.cancel", job_id: none, payload: { job_id: none } },
        { reply: "job.subscribed", type: "job.subscribe", job_id: id, payload: { job_id: id } },
        { reply: "job.cancelled", type: "job.cancel", job_id: id, payload: { job_id: id } },
      ];
      for (const [index, { reply, faulty = false, ...request }] of requests.entries()) {
        const rid = `req_kind_${index}`;
        await wire.send({ ...request, id: rid }, { faulty });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, reply, `R-5.4-4: ${JSON.stringify(request)}`);
        assert.equal(at(answer, "payload.request_id"), rid, `R-5.4-1: ${answer.type}`);
        if (answer.type === "session.error" && request.job_id !== undefined) {
          assert.equal(at(answer, "payload.job_id"), none, "R-5.4-2: the job is not named");
        }
      }
      // These have no reply, and nothing was answered twice.
      for (const job_id of [id, none]) {
        await wire.send({ type: "job.unsubscribe", job_id, payload: { job_id } });
      }
      await wire.send(
        { type: "session.ack", payload: { last_processed_seq: 0 } },
        { faulty: true },
      );
      await wire.send({ type: "session.close", id: "req_close", payload: {} });
      const closed = await wire.notice(() => true);
      assert.equal(closed.type, "session.closed", "R-5.4-2: something was answered twice");
      assert.equal(at(closed, "payload.request_id"), "req_close", "R-5.4-1: session.closed");
    },
  },
  {
    name: "a refusal names the job even if only the payload of the request did",
    verifies: ["R-5.4-2"],
    async play(site) {
      const wire = await site.greeted();
      const requests = [
        { type: "job.cancel" },
        { type: "job.subscribe" },
        // Its other faults make no difference.
        { type: "job.cancel", reason: 5 },
        { type: "job.subscribe", history: "yes" },
      ];
      for (const [index, { type, ...fields }] of requests.entries()) {
        const id = `req_${index}`;
        const message = { type, id, payload: { job_id: "job_unknown", ...fields } };
        await wire.send(message, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.error");
        assert.equal(at(answer, "payload.request_id"), id);
        assert.equal(at(answer, "payload.job_id"), "job_unknown");
      }
    },
  },
  {
    name: "each of several interleaved submits gets its own answer, and a refusal affects no other request or job",
    verifies: ["R-5.4-1", "R-5.4-3"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const running = await site.play(wire, [gate.step, { do: "return", value: "undisturbed" }]);
      const submit = (id: string, payload: object) =>
        wire.send({ type: "job.submit", id, payload });
      await Promise.all([
        submit("req_a", returning("a")),
        submit("req_b", { agent: "nobody" }),
        submit("req_c", returning("c")),
        submit("req_d", { agent: "conformance.versioned@9.9.9" }),
      ]);
      const [a, c] = [
        await wire.reply("job.submit", "req_a"),
        await wire.reply("job.submit", "req_c"),
      ];
      const b = await refusal(wire.reply("job.submit", "req_b"), "nobody");
      const d = await refusal(wire.reply("job.submit", "req_d"), "9.9.9");
      assert.deepEqual([b.code, d.code], ["AGENT_NOT_AVAILABLE", "AGENT_VERSION_NOT_AVAILABLE"]);
      for (const [{ payload }, value] of [
        [a, "a"],
        [c, "c"],
      ] as const) {
        const end = await wire.next(endsJob(payload.job_id));
        assert.equal(at(end, "payload.result"), value, "R-5.4-1: the replies are mixed up");
      }
      await gate.open();
      const end = await wire.next(endsJob(running.id));
      assert.equal(at(end, "payload.result"), "undisturbed", "R-5.4-3: a job felt it");
    },
  },
  {
    name: "submits are answered in order, even if the first one takes longest",
    verifies: ["R-5.4-5"],
    needs: [heldSubmits],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-5.4-5"] });
      const held = site.gate();
      await wire.send(heldSubmit("req_1", held));
      await wire.send({ type: "job.submit", id: "req_2", payload: { agent: "nobody" } });
      await wire.send({ type: "job.submit", id: "req_3", payload: { agent: 5 } }, { faulty: true });
      await wire.send({ type: "job.submit", id: "req_4", payload: returning(4) });
      await site.settled(wire);
      await held.open();
      const answered: unknown[] = [];
      for (let i = 1; i <= 4; i++) {
        answered.push(at(await wire.notice(() => true), "payload.request_id"));
      }
      assert.deepEqual(answered, ["req_1", "req_2", "req_3", "req_4"]);
    },
  },
  {
    name: "a submit that is sent again creates no second job, whatever it says and whatever has happened since",
    verifies: ["R-5.4-8"],
    async play(site) {
      const wire = await site.greeted();
      const message = { type: "job.submit", id: "req_once", payload: returning("once") };
      await wire.send(message);
      await wire.send(message);
      const first = await wire.reply("job.submit", "req_once");
      assertSame(await wire.reply("job.submit", "req_once"), first);
      await wire.next(isTerminal);
      await wire.send(message);
      assertSame(await wire.reply("job.submit", "req_once"), first);
      await site.drop(wire);
      const again = await site.resumed(wire);
      const other = { ...message, payload: returning("other") };
      await again.send(other, { faulty: true });
      assertSame(await again.reply("job.submit", "req_once"), first);
      await nothingRan(site.settled(again), again);
    },
  },
  {
    name: "a submit that is sent again while it is processed, or after its reply was lost, creates one job",
    verifies: ["R-5.4-8"],
    needs: [heldSubmits],
    async play(site) {
      const wire = await site.greeted();
      const held = site.gate();
      const message = heldSubmit("req_lost", held);
      await wire.send(message);
      await wire.send(message);
      await site.settled(wire);
      await site.drop(wire);
      const again = await site.resumed(wire);
      await again.send(message);
      await site.settled(again);
      await held.open();
      const accepted = await again.reply("job.submit", "req_lost");
      const all = await again.until(isTerminal);
      assert.deepEqual(
        new Set(all.map(({ job_id }) => job_id)),
        new Set([accepted.payload.job_id]),
      );
      await nothingRan(site.settled(again), again);
    },
  },
  {
    name: "the newest thousand submits are remembered",
    verifies: ["R-5.4-8"],
    async play(site) {
      const wire = await site.greeted();
      const first = await wire.submit(returning(1), { id: "req_first" });
      await wire.until(isTerminal);
      const sendings: Promise<void>[] = [];
      for (let n = 2; n <= REMEMBERED; n++) {
        const payload = { agent: "nobody" };
        sendings.push(wire.send({ type: "job.submit", id: `req_${n}`, payload }));
        if (n % 100 !== 0 && n !== REMEMBERED) continue;
        await Promise.all(sendings);
        await refusal(wire.reply("job.submit", `req_${n}`), "a submit to nobody");
      }
      const again = await wire.request("job.submit", returning(1), { id: "req_first" });
      assertSame(again, first);
      await nothingRan(site.settled(wire), wire);
    },
  },
  {
    name: "a submit that is sent again after a crash creates no second job",
    verifies: ["R-5.4-8"],
    needs: [restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const message = { type: "job.submit", id: "req_once", payload: returning("once") };
      await wire.send(message);
      const first = await wire.reply("job.submit", "req_once");
      await wire.next(isTerminal);
      await refusal(wire.submit({ agent: "nobody" }, { id: "req_refused" }), "nobody");
      await site.restart();
      const again = await site.resumed(wire);
      await again.send(message);
      assertSame(await again.reply("job.submit", "req_once"), first);
      const { code } = await refusal(
        again.submit({ agent: "nobody" }, { id: "req_refused" }),
        "nobody",
      );
      assert.equal(code, "AGENT_NOT_AVAILABLE");
      await nothingRan(site.settled(again), again);
    },
  },
];

function assertSame(again: Envelope<"job.accepted">, first: Envelope<"job.accepted">): void {
  assert.deepEqual(again.payload, first.payload, "the reply is another one");
}

/** No job has sent anything that was not read. */
async function nothingRan(settled: Promise<void>, wire: WireClient): Promise<void> {
  await settled;
  const end = await wire.submit(returning("last"));
  const next = await wire.next();
  assert.equal(next.job_id, end.payload.job_id, "another job was made");
}
