import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import { accountOf, asked, credentials, isOver, newLabel, wanting } from "../credential-account.ts";
import { endsJob } from "../job-end.ts";
import { settingWithin } from "../need.ts";
import { refusal } from "../refusal.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { stepValue } from "../script-outcome.ts";

const agent = "conformance.script";

export const credential: readonly Scenario[] = [
  {
    name: "a credential is issued, delivered in the acceptance, used, and revoked exactly once when the job has its result",
    verifies: ["R-13-7", "R-9.8-2"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const values = new Set<string>();
      for (let n = 0; n < 2; n++) {
        const gate = site.gate();
        const label = newLabel();
        const steps: Step[] = [{ do: "present", as: "used" }, gate.step];
        const { id, accepted } = await site.play(wire, steps, {
          lease_request: wanting("plain", label),
        });
        const [given, ...more] = accepted.payload.credentials ?? [];
        assert.ok(given !== undefined && more.length === 0, "R-9.8-2: one in the acceptance");
        assert.equal(given.scheme, "bearer");
        assert.ok(URL.canParse(`${given.endpoint}`), "its endpoint is a URL");
        assert.equal(await asked(site, wire, { do: "present", value: given.value }), true);
        values.add(`${given.value}`);
        await gate.open();
        const end = await wire.next(endsJob(id));
        assert.equal(stepValue(end, "used"), true, "R-13-7: the agent could use it");
        const account = await accountOf(site, label, isOver);
        assert.deepEqual([account.issued, account.asked, account.revoked], [1, 1, 1], "R-13-7");
        assert.equal(await asked(site, wire, { do: "present", value: given.value }), false);
      }
      assert.equal(values.size, 2, "R-9.8-2: two jobs share a value");
    },
  },
  {
    name: "the upstream is told the budget, the models and the end of the job",
    verifies: ["R-9.8-3"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const label = newLabel();
      const expires_at = await runtimeTime(site, wire, 3_600_000);
      const lease_request = {
        ...wanting("plain", label),
        "cost.budget": ["EUR:2.5", "USD:1"],
        "model.use": ["conformance/*"],
      };
      const lease_constraints = { expires_at };
      await site.played(wire, [], { lease_request, lease_constraints });
      const [order] = (await accountOf(site, label, isOver)).orders;
      const amounts = Object.entries(order?.budget ?? {}).map(
        ([currency, amount]) => [currency, Number(amount)] as const,
      );
      assert.deepEqual(Object.fromEntries(amounts), { EUR: 2.5, USD: 1 });
      assert.deepEqual(order?.models, ["conformance/*"]);
      assert.equal(Date.parse(`${order?.expires_at}`), Date.parse(expires_at));
    },
  },
  {
    name: "a submit whose credential cannot be issued is refused, and what was issued is revoked",
    verifies: ["R-9.8-5"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      for (const [how, code] of [
        ["second", "INTERNAL_ERROR"],
        ["broke", "BUDGET_EXHAUSTED"],
      ] as const) {
        const label = newLabel();
        const lease_request = wanting(how, label);
        const submit = wire.submit({ agent, input: { steps: [] }, lease_request });
        assert.equal((await refusal(submit, how)).code, code);
        const account = await accountOf(site, label, isOver, "R-9.8-5");
        assert.deepEqual([account.issued, account.revoked], [1, 1]);
      }
      await site.settled(wire);
      assert.equal(wire.lastEventSeq, 0, "a job ran without what it needs");
    },
  },
  {
    name: "a credential that takes too long to issue counts as failed, and is revoked if it is issued later",
    verifies: ["R-9.8-5"],
    needs: [credentials, settingWithin("provisionerSec", 8)],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const label = gate.step.gate;
      const lease_request = wanting("slow", label);
      const submit = wire.submit({ agent, input: { steps: [] }, lease_request });
      assert.equal((await refusal(submit, "a slow issue")).code, "INTERNAL_ERROR");
      await gate.open();
      await accountOf(site, label, isOver, "R-9.8-5");
    },
  },
  {
    name: "identical submits that arrive while a credential is being issued wait for it, and it is issued once",
    verifies: ["R-7.2-5"],
    needs: [credentials],
    async play(site) {
      const wires = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const label = gate.step.gate;
      const same = {
        agent,
        input: { steps: [] },
        lease_request: wanting("slow", label),
        idempotency_key: newMessageId("key_"),
      };
      const ids = wires.flatMap((wire) =>
        Array.from({ length: 10 }, () => [wire, newMessageId("req_")] as const),
      );
      for (const [wire, id] of ids) await wire.send({ type: "job.submit", id, payload: same });
      for (const wire of wires) await site.settled(wire);
      await gate.open();
      const jobs = await Promise.all(ids.map(([wire, id]) => wire.reply("job.submit", id)));
      assert.equal(new Set(jobs.map(({ payload }) => payload.job_id)).size, 1);
      assert.equal((await accountOf(site, label, isOver)).issued, 1);
    },
  },
];
