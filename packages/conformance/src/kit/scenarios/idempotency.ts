import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { heldSubmits } from "../held-submit.ts";
import { subscribe } from "../job-request.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { isThought, reached, thought } from "../thought.ts";

const agent = "conformance.script";
const newKey = () => newMessageId("key_");
/** The payload of an acceptance without what differs with each request. */
const accepted = ({ payload: { request_id: _, ...rest } }: { payload: { request_id?: unknown } }) =>
  rest;

export const idempotency: readonly Scenario[] = [
  {
    name: "a key belongs to its principal in all of its sessions, and is compared exactly",
    verifies: ["R-7.2-1"],
    async play(site) {
      const gate = site.gate();
      const input = { steps: [gate.step] };
      const idempotency_key = newKey();
      const [wire, again, stranger] = await Promise.all([
        site.greeted(),
        site.greeted(),
        site.greeted({ who: "second" }),
      ]);
      const { payload } = await wire.submit({ agent, input, idempotency_key });
      const same = await again.submit({ agent, input, idempotency_key });
      assert.equal(same.payload.job_id, payload.job_id, "another session means the same job");
      const other = await stranger.submit({ agent, input, idempotency_key });
      assert.notEqual(other.payload.job_id, payload.job_id, "another principal's key is another");
      for (const near of [`${idempotency_key} `, idempotency_key.toLowerCase()]) {
        const { payload: its } = await wire.submit({ agent, input, idempotency_key: near });
        assert.notEqual(its.job_id, payload.job_id, `${near} is another key`);
      }
    },
  },
  {
    name: "submits are identical if the values of five fields are, whatever else differs",
    verifies: ["R-7.2-2"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps = [gate.step, { do: "return", value: { a: 1, b: [1, { c: null }] } }];
      const same = { agent, input: { steps }, idempotency_key: newKey() };
      const { payload } = await wire.submit(same, { traceId: "1".repeat(32) });
      const turned = [
        { gate: gate.step.gate, do: "await" },
        { value: { b: [1, { c: null }], a: 1 }, do: "return" },
      ];
      const alike = [
        { ...same, input: { steps: turned } },
        { ...same, lease_request: null, lease_constraints: null, max_runtime_sec: null },
      ];
      for (const each of alike) {
        const id = newMessageId("req_");
        const message = { type: "job.submit", id, trace_id: "2".repeat(32), payload: each };
        await wire.send(message, { faulty: true });
        const again = await wire.reply("job.submit", id);
        assert.equal(again.payload.job_id, payload.job_id, JSON.stringify(each));
      }
      const value = { a: 1, b: [1, {}] };
      const different = [
        { input: { steps: [gate.step, { do: "return", value }] } },
        { input: { steps, cleanup: [] } },
        { lease_request: { "tool.call": ["conformance.echo"] } },
        { max_runtime_sec: 3600 },
        { agent: "conformance.settings" },
      ];
      for (const each of different) {
        const { code } = await refusal(wire.submit({ ...same, ...each }), JSON.stringify(each));
        assert.equal(code, "DUPLICATE_KEY", JSON.stringify(each));
      }
    },
  },
  {
    name: "an agent is compared as written, so a pinned version makes a different submit",
    verifies: ["R-7.2-2"],
    async play(site) {
      const wire = await site.greeted();
      const idempotency_key = newKey();
      const { payload } = await wire.submit({ agent: "conformance.versioned", idempotency_key });
      const pinned = wire.submit({ agent: `${payload.agent}`, idempotency_key });
      assert.equal((await refusal(pinned, "the pinned version")).code, "DUPLICATE_KEY");
    },
  },
  {
    name: "an identical submit gets the first acceptance, and the agent runs once",
    verifies: ["R-7.2-3"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps = [{ do: "thought", text: "once" } as const, gate.step];
      const rest = { idempotency_key: newKey(), lease_request: { "cost.budget": ["EUR:5"] } };
      const first = await wire.submit({ agent, input: { steps }, ...rest });
      await reached(wire, "once");
      const live = await wire.submit({ agent, input: { steps }, ...rest });
      assert.deepEqual(accepted(live), accepted(first), "while the job is live");
      assert.equal(live.trace_id, first.trace_id);
      await gate.open();
      const seen = await wire.until(isTerminal);
      const over = await wire.submit({ agent, input: { steps }, ...rest });
      assert.deepEqual(accepted(over), accepted(first), "after its end");
      seen.push(...(await wire.until(isTerminal)));
      await site.settled(wire);
      const thoughts = seen.filter((e) => e.type === "job.event" && e.payload.kind === "thought");
      assert.deepEqual(thoughts, [], "the agent ran again");
    },
  },
  {
    name: "a key that is reused for something else is refused, and the job's viewers do not notice",
    verifies: ["R-7.2-4"],
    async play(site) {
      const [owner, watcher, other] = await Promise.all([
        site.greeted(),
        site.greeted(),
        site.greeted(),
      ]);
      const gate = site.gate();
      const idempotency_key = newKey();
      const { id } = await site.play(owner, [thought("runs"), gate.step], { idempotency_key });
      const runs = await owner.next(isThought("runs"));
      await subscribe(watcher, id);
      const misused = { agent, input: { steps: [] }, idempotency_key };
      assert.equal((await refusal(other.submit(misused), "another use")).code, "DUPLICATE_KEY");
      assert.equal((await refusal(owner.submit(misused), "another use")).code, "DUPLICATE_KEY");
      await site.settled(watcher);
      await gate.open();
      const end = (await owner.until(isTerminal)).at(-1);
      assert.equal(end?.type, "job.result", "the job was touched");
      assert.equal(end?.job_seq, Number(runs.job_seq) + 1, "the job was touched");
      assert.equal((await watcher.next(isTerminal)).type, "job.result");
      assert.equal(other.lastEventSeq, 0, "who was refused follows nothing");
    },
  },
  {
    name: "concurrent identical submits create one job, and all get its acceptance",
    verifies: ["R-7.2-5"],
    async play(site) {
      const wires = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const same = { agent, input: { steps: [gate.step] }, idempotency_key: newKey() };
      const all = await Promise.all(
        wires.flatMap((wire) => Array.from({ length: 10 }, () => wire.submit(same))),
      );
      const different = new Set(all.map((each) => JSON.stringify(accepted(each))));
      assert.equal(different.size, 1, [...different].join("\n"));
      await gate.open();
      for (const wire of wires) assert.equal((await wire.next(isTerminal)).type, "job.result");
    },
  },
  {
    name: "identical submits that arrive while the first is still being processed get its acceptance",
    verifies: ["R-7.2-5"],
    needs: [heldSubmits],
    async play(site) {
      const wires = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const payload = {
        agent: "conformance.held",
        input: { gate: gate.step.gate },
        idempotency_key: newKey(),
      };
      const asked = wires.flatMap((wire) =>
        [1, 2].map(() => [wire, newMessageId("req_")] as const),
      );
      for (const [wire, id] of asked) await wire.send({ type: "job.submit", id, payload });
      for (const wire of wires) await site.settled(wire);
      await gate.open();
      const replies = await Promise.all(asked.map(([wire, id]) => wire.reply("job.submit", id)));
      const jobs = new Set(replies.map((reply) => reply.payload.job_id));
      assert.equal(jobs.size, 1, "each got a job of its own");
    },
  },
  {
    name: "a submit that was refused leaves its key free",
    verifies: ["R-7.2-6"],
    async play(site) {
      const wire = await site.greeted();
      const idempotency_key = newKey();
      for (const wrong of [
        { agent: "conformance.nobody" },
        { agent: "conformance.versioned@0.0.0" },
        { agent, lease_request: { "fs.read": ["/a/../b"] } },
        { agent, lease_constraints: { expires_at: "2020-01-01T00:00:00Z" } },
      ]) {
        await refusal(wire.submit({ ...wrong, idempotency_key }), JSON.stringify(wrong));
      }
      await site.played(wire, [], { idempotency_key });
    },
  },
];
