import assert from "node:assert/strict";
import type { PlainStep } from "../../test-agents/step.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { endOf, endsJob } from "../job-end.ts";
import { feature } from "../need.ts";
import { refusedSubmit } from "../refusal.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";

const agent = "conformance.script";
const expiring = feature("lease_expires_at");
const tools = { "tool.call": ["conformance.*"] };

export const expiry: readonly Scenario[] = [
  {
    name: "an expiry that has passed, is not a time, or is not written in UTC is refused",
    verifies: ["R-9.5-1"],
    needs: [expiring],
    async play(site) {
      const wire = await site.greeted();
      for (const expires_at of [
        await runtimeTime(site, wire, -1000),
        "2020-01-01T00:00:00Z",
        "2100-01-01T00:00:00+02:00",
        "2100-01-01T00:00:00+00:00",
        "2100-01-01T00:00:00",
        "2100-01-01T00:00:00z",
        "2100-01-01t00:00:00Z",
        "2100-01-01 00:00:00Z",
        "2100-02-30T00:00:00Z",
        "2100-13-01T00:00:00Z",
        "2100-01-01T25:00:00Z",
        "2100-01-01T00:00:00.Z",
        "2100-01-01",
        "tomorrow",
        "",
        4_102_444_800,
      ]) {
        const payload = { agent, input: { steps: [] }, lease_constraints: { expires_at } };
        const { code } = await refusedSubmit(wire, payload, `${expires_at}`);
        assert.equal(code, "INVALID_REQUEST", `${expires_at}`);
      }
      for (const expires_at of ["2100-01-01T00:00:00Z", "2096-02-29T23:59:59.123456Z"]) {
        await site.played(wire, [], { lease_constraints: { expires_at } });
      }
    },
  },
  {
    name: "when its lease expires, a job ends with an error even if its agent does nothing",
    verifies: ["R-9.5-3"],
    needs: [expiring],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const expires_at = await runtimeTime(site, wire, 3000);
      const lease_constraints = { expires_at };
      const all = await site.played(wire, [gate.step], { lease_constraints });
      const { code, final_status, retryable } = endOf(all);
      assert.deepEqual([code, final_status, retryable], ["LEASE_EXPIRED", "error", false]);
    },
  },
  {
    name: "an operation after the expiry is refused for that first, whatever else is wrong with it, and the job ends",
    verifies: ["R-9.5-2", "R-9.5-4", "R-9.3-1"],
    needs: [expiring],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const lease_constraints = { expires_at: await runtimeTime(site, wire, 3000) };
      const lease_request = { ...tools, "cost.budget": ["EUR:1"] };
      const all = await site.played(
        wire,
        [
          { do: "metric", name: "cost.x", value: 1, unit: "EUR" },
          // If nothing else gets its turn meanwhile, the operation is the first to notice the expiry.
          { do: "pause", ms: 3100, block: true },
          { do: "tool", name: "shell.run", as: "late" },
          { do: "return", value: "went on" },
        ],
        { lease_request, lease_constraints },
      );
      const { code, final_status } = endOf(all);
      assert.deepEqual([code, final_status], ["LEASE_EXPIRED", "error"], "R-9.5-4: the end");
      for (const { error } of bodiesOf(all, "tool_result")) {
        const { code: its } = error as { code: string };
        assert.equal(its, "LEASE_EXPIRED", "R-9.5-2: the operation after the expiry");
      }
    },
  },
  {
    name: "a job whose lease expires shows its progress, then at most refusals, and then its end",
    verifies: ["R-13-4"],
    needs: [expiring],
    async play(site) {
      const wire = await site.greeted();
      const lease_constraints = { expires_at: await runtimeTime(site, wire, 3000) };
      const work: PlainStep[] = [
        { do: "progress", current: 1 },
        { do: "tool", name: "conformance.echo", as: "call" },
        { do: "pause", ms: 40, stubborn: true },
      ];
      const { id } = await site.play(wire, [{ do: "repeat", times: 400, steps: work }], {
        lease_request: tools,
        lease_constraints,
      });
      const all = await wire.until(endsJob(id));
      assert.equal(endOf(all).code, "LEASE_EXPIRED");
      assert.ok(bodiesOf(all, "progress").length > 0, "there was time for some of the work");
      const results = bodiesOf(all, "tool_result");
      const firstError = results.findIndex(({ error }) => error !== undefined);
      for (const { error } of firstError < 0 ? [] : results.slice(firstError)) {
        assert.equal((error as { code: string } | undefined)?.code, "LEASE_EXPIRED");
      }
      assert.equal(kindsOf(all).at(-1), "job.error");
      // The agent goes on without noticing; the sniffer would find an event after the end.
      await site.pause(150);
      await site.settled(wire);
      assert.equal(wire.lastEventSeq, all.at(-1)?.event_seq, "something came after the end");
    },
  },
];
