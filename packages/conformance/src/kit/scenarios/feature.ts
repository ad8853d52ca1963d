import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { at } from "../../json-object.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { subscribe } from "../job-request.ts";
import { feature as offered } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const script = { agent: "conformance.script", input: { steps: [] } };
const job = { job_id: "job_1" };

/** Requests that rely on a feature. */
const requests: readonly (readonly [
  feature: string,
  message: { type: string; payload: object },
])[] = [
  ["cost.budget", submit({ lease_request: { "cost.budget": ["EUR:1"] } })],
  ["model.use", submit({ lease_request: { "model.use": ["m/*"] } })],
  ["lease_expires_at", submit({ lease_constraints: { expires_at: "2099-01-01T00:00:00Z" } })],
  ["agent_versions", submit({ agent: "conformance.versioned@1.1.0" })],
  ["list_jobs", { type: "session.list_jobs", payload: {} }],
  ["subscribe", { type: "job.subscribe", payload: job, ...job }],
];

export const feature: readonly Scenario[] = [
  ...requests.map(
    ([name, message]): Scenario => ({
      name: `without the feature ${name} a ${message.type} that relies on it is refused, and the feature named`,
      verifies: ["R-6.2-4"],
      async play(site) {
        const wire = await site.greeted({ features: [] });
        const id = newMessageId("req_");
        await wire.send({ ...message, id }, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.error", "the restriction was dropped");
        assert.equal(at(answer, "payload.code"), "INVALID_REQUEST");
        const details = answer.payload as { details?: { feature?: string } };
        assert.equal(details.details?.feature, name);
        await site.settled(wire);
        await site.played(wire, []);
      },
    }),
  ),
  {
    name: "a client that negotiated no feature gets events without progress and budget remainders, and without a gap",
    verifies: ["R-6.2-5"],
    needs: [offered("subscribe"), offered("progress"), offered("cost.budget")],
    async play(site) {
      const owner = await site.greeted();
      const [begin, pause] = [site.gate(), site.gate()];
      const cost = { do: "metric", name: "cost.x", value: 0.5, unit: "EUR" } as const;
      const progress = { do: "progress", current: 1 } as const;
      const { id } = await site.play(
        owner,
        [
          begin.step,
          progress,
          { do: "thought", text: "1" },
          progress,
          cost,
          { do: "thought", text: "2" },
          pause.step,
          progress,
          cost,
        ],
        { lease_request: { "cost.budget": ["EUR:1"] } },
      );
      const viewer = await site.greeted({ features: ["subscribe"] }, { waive: ["R-8.3-1"] });
      await subscribe(viewer, id);
      await begin.open();
      await viewer.next((e) => bodiesOf([e], "thought")[0]?.text === "2");
      await site.drop(viewer);
      await pause.open();
      const again = await site.resumed(viewer, { lastEventSeq: 0 });
      const late = await site.greeted({ features: ["subscribe"] }, { waive: ["R-8.3-1"] });
      await subscribe(late, id, { history: true });
      for (const client of [again, late]) {
        const all = (await client.until(isTerminal)).filter(
          ({ payload }) => !("kind" in payload && payload.kind === "status"),
        );
        assert.deepEqual(kindsOf(all), ["thought", "metric", "thought", "metric", "job.result"]);
        const numbers = all.map(({ event_seq = 0 }) => event_seq);
        const first = numbers[0] ?? 0;
        assert.ok(first <= 2, `the numbers begin with ${first}`);
        assert.deepEqual(
          numbers,
          numbers.map((_, index) => first + index),
          "a number was used up for what was left out",
        );
      }
      const told = kindsOf(await owner.until(isTerminal));
      assert.equal(told.filter((kind) => kind === "progress").length, 3, "the owner misses some");
    },
  },
  {
    name: "a viewer without result_chunk gets no chunks, and the end under the next number",
    verifies: ["R-6.2-5"],
    needs: [offered("subscribe"), offered("result_chunk")],
    async play(site) {
      const owner = await site.greeted();
      const begin = site.gate();
      const { id } = await site.play(owner, [
        begin.step,
        { do: "thought", text: "1" },
        { do: "stream", text: "a" },
        { do: "stream", text: "b" },
      ]);
      // What a viewer without the chunks sees of the end is left open.
      const waive = ["R-6.2-5", "R-8.3-1"] as const;
      const viewer = await site.greeted({ features: ["subscribe"] }, { waive });
      await subscribe(viewer, id);
      await begin.open();
      const all = await viewer.until(isTerminal);
      assert.ok(!kindsOf(all).includes("result_chunk"), "it got a chunk");
      assert.deepEqual(
        all.map(({ event_seq }) => event_seq),
        all.map((_, index) => index + 1),
        "a number was used up for a chunk",
      );
    },
  },
  {
    name: "an owner that did not negotiate progress gets none, and no gap",
    verifies: ["R-6.2-5"],
    async play(site) {
      const wire = await site.greeted({ features: [] }, { waive: ["R-8.3-1"] });
      const all = await site.played(wire, [
        { do: "progress", current: 1, as: "told" },
        { do: "thought", text: "1" },
        { do: "progress", current: 2, as: "told" },
      ]);
      const kinds = kindsOf(all);
      assert.ok(!kinds.includes("progress"), "it got progress");
      assert.deepEqual(kinds.slice(-2), ["thought", "job.result"]);
      assert.deepEqual(
        all.map(({ event_seq }) => event_seq),
        all.map((_, index) => index + 1),
        "a number was used up for progress",
      );
    },
  },
];

function submit(rest: object): { type: string; payload: object } {
  return { type: "job.submit", payload: { ...script, ...rest } };
}
