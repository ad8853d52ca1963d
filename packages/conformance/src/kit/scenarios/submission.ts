import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { settingWithin } from "../need.ts";
import { refusal, refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Play } from "../site.ts";

const agent = "conformance.script";
const nothing = { steps: [] };
const malformed = { "fs.read": ["/a/../b"] };

export const submission: readonly Scenario[] = [
  {
    name: "of two faults of a submit, the one checked first is reported",
    verifies: ["R-7.1-1"],
    async play(site) {
      const wire = await site.greeted({ features: ["subscribe"] });
      const idempotency_key = newMessageId("key_");
      await site.played(wire, nothing, { idempotency_key });
      const bare = { agent, input: nothing };
      const budget = { "cost.budget": ["no amount"] };
      const cases: [payload: object, code: string, feature?: string][] = [
        [{ agent, max_runtime_sec: 0, lease_request: budget }, "INVALID_REQUEST"],
        [{ agent: "NO NAME", lease_request: budget }, "INVALID_REQUEST", "cost.budget"],
        [{ ...bare, idempotency_key, lease_request: budget }, "INVALID_REQUEST", "cost.budget"],
        [{ ...bare, idempotency_key, max_runtime_sec: -1 }, "INVALID_REQUEST"],
        [{ agent: "NO NAME", input: nothing, idempotency_key }, "INVALID_REQUEST"],
        [{ agent: "conformance.nobody", idempotency_key }, "DUPLICATE_KEY"],
        [{ ...bare, idempotency_key, lease_request: malformed }, "DUPLICATE_KEY"],
        [{ agent: "conformance.nobody", lease_request: malformed }, "AGENT_NOT_AVAILABLE"],
        [{ ...bare, lease_request: malformed }, "INVALID_REQUEST"],
      ];
      for (const [payload, code, feature] of cases) {
        const { code: was, details } = await refusedSubmit(wire, payload);
        const faulty = JSON.stringify(payload);
        assert.equal(was, code, faulty);
        assert.equal(details?.feature, feature, faulty);
      }
    },
  },
  {
    name: "a job's acceptance precedes everything else about it, even with many jobs at once",
    verifies: ["R-7.1-2"],
    async play(site) {
      const wire = await site.greeted();
      const ids = Array.from({ length: 12 }, () => newMessageId("req_"));
      const input = { steps: [{ do: "thought", text: "at once" }] };
      for (const id of ids) await wire.send({ type: "job.submit", id, payload: { agent, input } });
      // The sniffer would find an envelope of a job that is not accepted yet.
      for (const _ of ids) await wire.until(isTerminal);
      for (const id of ids) await wire.reply("job.submit", id);
    },
  },
  {
    name: "a job gets the lease that was requested for it, or less",
    verifies: ["R-7.1-3"],
    async play(site) {
      const wire = await site.greeted();
      const leases: Record<string, string[]>[] = [
        {},
        { "tool.call": ["conformance.echo"] },
        { "fs.read": ["/srv/docs/**", "/srv/img/*.png"], "tool.call": ["a", "b"] },
        { "net.fetch": ["https://acme.test/**"], "x-vendor.acme.thing": ["one"] },
      ];
      for (const lease_request of leases) {
        const { accepted } = await site.play(wire, nothing, { lease_request });
        for (const [namespace, patterns] of Object.entries(accepted.payload.lease ?? {})) {
          const asked = lease_request[namespace] ?? [];
          const more = (patterns ?? []).filter((pattern) => !asked.includes(pattern));
          assert.deepEqual(more, [], `${namespace} was granted beyond what was asked for`);
        }
      }
    },
  },
  {
    name: "a max_runtime_sec that is zero, negative, fractional or not a number is refused",
    verifies: ["R-7.1-4"],
    async play(site) {
      const wire = await site.greeted();
      for (const max_runtime_sec of [0, -1, 1.5, "60", true]) {
        const payload = { agent, input: nothing, max_runtime_sec };
        assert.equal((await refusedSubmit(wire, payload)).code, "INVALID_REQUEST");
      }
      await site.played(wire, nothing, { max_runtime_sec: 60 });
    },
  },
  {
    name: "a job beyond the limit of live jobs is refused for now, and nobody else is affected",
    verifies: ["R-7.1-5"],
    needs: [settingWithin("liveJobsPerPrincipal", 200)],
    alone: true,
    async play(site) {
      // Another principal opens the gate, which takes a job.
      const wire = await site.greeted({ who: "second" });
      const gate = site.gate();
      const jobs: Play[] = [];
      const most = site.facts.settings.liveJobsPerPrincipal;
      while (jobs.length < most) jobs.push(await site.play(wire, [gate.step]));
      const payload = { agent, input: nothing };
      const refused = await refusal(wire.submit(payload), `job ${most + 1}`);
      assert.equal(refused.code, "INTERNAL_ERROR");
      assert.equal(refused.retryable, true, "it may be accepted later");
      assert.equal(typeof refused.details?.reason, "string", "details.reason says which limit");
      const other = await site.greeted();
      await site.played(other, nothing);
      await gate.open();
      for (const _ of jobs) assert.equal((await wire.next(isTerminal)).type, "job.result");
      await site.played(wire, nothing);
    },
  },
];
