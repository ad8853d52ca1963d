import assert from "node:assert/strict";
import { newMessageId, TRACE_CONTEXT } from "@arcp/core";
import { childOf } from "../child-step.ts";
import { endsJobs } from "../job-end.ts";
import { cancel, subscribe } from "../job-request.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const agent = "conformance.script";
const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const traceparent = `00-${ID}-00f067aa0ba902b7-01`;
const context = { traceparent, tracestate: "acme=1" };
const form = /^(?!0{32})[0-9a-f]{32}$/;

export const trace: readonly Scenario[] = [
  {
    name: "a trace id is 32 lower-case digits, and is on everything that concerns a job",
    verifies: ["R-11-1", "R-11-4"],
    async play(site) {
      const [wire, watcher] = await Promise.all([site.greeted(), site.greeted()]);
      for (const traceId of [undefined, ID]) {
        const options = traceId === undefined ? {} : { traceId };
        const { id, accepted } = await site.play(wire, [{ do: "thought", text: "a" }], {}, options);
        const { trace_id } = accepted.payload;
        assert.match(`${trace_id}`, form, "R-11-1");
        if (traceId !== undefined) assert.equal(trace_id, traceId, "R-11-4: the trace that came");
        assert.equal(accepted.trace_id, trace_id, "R-11-4: on the acceptance");
        for (const each of await wire.until(isTerminal)) {
          assert.equal(each.trace_id, trace_id, `R-11-4: on ${each.type}`);
        }
        const { payload } = await watcher.request("session.list_jobs", { limit: 1000 });
        const entry = payload.jobs.find(({ job_id }) => job_id === id);
        assert.equal(entry?.trace_id, trace_id, "R-11-4: in the listing");
        const told = await subscribe(watcher, id);
        assert.equal(told.payload.trace_id, trace_id, "R-11-4: in the subscription");
        assert.equal(told.trace_id, trace_id, "R-11-4: and on it");
        const { trace_id: named } = await cancel(wire, id);
        assert.equal(named, trace_id, "R-11-4: on the answer to a cancel");
      }
    },
  },
  {
    name: "two jobs submitted without a trace get different ones",
    verifies: ["R-11-4"],
    async play(site) {
      const wire = await site.greeted();
      const traces = new Set<string | undefined>();
      for (let n = 0; n < 3; n++) {
        traces.add((await site.play(wire, [])).accepted.payload.trace_id);
      }
      assert.equal(traces.size, 3);
    },
  },
  {
    name: "a trace may come as a whole traceparent, and one that is unusable is ignored",
    verifies: ["R-11-2"],
    async play(site) {
      const wire = await site.greeted();
      const cases: [trace_id: string, kept: boolean][] = [
        [ID, true],
        [traceparent, true],
        ["0".repeat(32), false],
        [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`, false],
        ["abc", false],
        [`${ID}0`, false],
        ["", false],
      ];
      for (const [trace_id, kept] of cases) {
        const id = newMessageId("req_");
        const payload = { agent, input: { steps: [] } };
        await wire.send({ type: "job.submit", id, trace_id, payload }, { faulty: true });
        const { payload: accepted } = await wire.reply("job.submit", id);
        assert.match(`${accepted.trace_id}`, form, `${trace_id}`);
        assert.equal(accepted.trace_id === ID, kept, `${trace_id}`);
        await wire.next(isTerminal);
      }
    },
  },
  {
    name: "the trace context is read from the extensions of the envelope or of the payload",
    verifies: ["R-11-3"],
    async play(site) {
      const wire = await site.greeted();
      const extensions = { [TRACE_CONTEXT]: context };
      const input = { steps: [] };
      for (const message of [
        { extensions, payload: { agent, input } },
        { payload: { agent, input, extensions } },
      ]) {
        const id = newMessageId("req_");
        await wire.send({ type: "job.submit", id, ...message }, { faulty: true });
        const { payload } = await wire.reply("job.submit", id);
        assert.equal(payload.trace_id, ID, JSON.stringify(message));
        await wire.next(isTerminal);
      }
    },
  },
  {
    name: "a child has the trace of the job that delegated it",
    verifies: ["R-11-5"],
    async play(site) {
      const wire = await site.greeted();
      const grandchild = childOf([], { outcome: true });
      const lease = { "agent.delegate": [agent] };
      const child = childOf([grandchild], { outcome: true, lease });
      await site.play(wire, [child], { lease_request: lease }, { traceId: ID });
      const all = await wire.until(endsJobs(3));
      assert.equal(new Set(all.map(({ job_id }) => job_id)).size, 3);
      assert.deepEqual(new Set(all.map(({ trace_id }) => trace_id)), new Set([ID]));
    },
  },
];
