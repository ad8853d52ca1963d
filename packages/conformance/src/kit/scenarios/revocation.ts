import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { childOf } from "../child-step.ts";
import {
  type Account,
  accountOf,
  asked,
  credentials,
  isOver,
  newLabel,
  wanting,
} from "../credential-account.ts";
import { endOf, endsJob } from "../job-end.ts";
import { cancel } from "../job-request.ts";
import { restart } from "../need.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";

const agent = "conformance.script";

export const revocation: readonly Scenario[] = [
  ...(["success", "error", "cancelled", "timed_out", "expired"] as const).map(
    (how): Scenario => ({
      name: `the credential of a job that ends as ${how} is revoked`,
      verifies: ["R-9.8-6"],
      needs: [credentials],
      async play(site) {
        const wire = await site.greeted();
        const gate = site.gate();
        const label = newLabel();
        const lease_request = wanting("plain", label);
        const soon = how === "expired" ? await runtimeTime(site, wire, 3000) : undefined;
        const rest = {
          lease_request,
          ...(how === "timed_out" && { max_runtime_sec: 1 }),
          ...(soon === undefined ? {} : { lease_constraints: { expires_at: soon } }),
        };
        const steps: Partial<Record<typeof how, Step[]>> = {
          success: [],
          error: [{ do: "crash", message: "boom" }],
        };
        const { id } = await site.play(wire, steps[how] ?? [gate.step], rest);
        if (how === "cancelled") await cancel(wire, id);
        const { final_status } = endOf(await wire.next(endsJob(id)));
        assert.equal(final_status, how === "expired" ? "error" : how);
        await accountOf(site, label, isOver);
      },
    }),
  ),
  {
    name: "what is issued to a child after its parent has ended is revoked",
    verifies: ["R-9.8-6", "R-9.8-14"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const label = gate.step.gate;
      const lease = wanting("slow", label);
      const own = newLabel();
      const lease_request = {
        "agent.delegate": [agent],
        "x-vendor.conformance.credential": [`plain:${own}`, `slow:${label}`],
      };
      const steps = [childOf([], { lease })];
      const end = endOf(await site.played(wire, steps, { lease_request, max_runtime_sec: 1 }));
      assert.equal(end.final_status, "timed_out");
      await gate.open();
      await accountOf(site, label, isOver);
      await accountOf(site, own, isOver);
    },
  },
  {
    name: "an upstream that does not answer a revocation does not delay the end of a job",
    verifies: ["R-9.8-7"],
    needs: [credentials],
    async play(site) {
      const [wire, other] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const label = gate.step.gate;
      const { id } = await site.play(wire, [], { lease_request: wanting("hung", label) });
      await wire.next(endsJob(id));
      const { asked: times } = (await asked(site, other, { do: "account", label })) as Account;
      assert.equal(times, 1, "the revocation had not begun when the end was sent");
      await gate.open();
      await accountOf(site, label, isOver, "R-9.8-7");
    },
  },
  {
    name: "a revocation that fails is tried again until it succeeds",
    verifies: ["R-9.8-8"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const label = newLabel();
      await site.played(wire, [], { lease_request: wanting("flaky", label) });
      const { asked: times } = await accountOf(site, label, isOver, "R-9.8-8");
      assert.equal(times, 3);
    },
  },
  {
    name: "credentials of jobs that a restart interrupted are revoked after it",
    verifies: ["R-9.8-8"],
    needs: [credentials, restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const label = newLabel();
      await site.play(wire, [gate.step], { lease_request: wanting("plain", label) });
      await site.restart();
      await accountOf(site, label, isOver, "R-9.8-8");
    },
  },
  {
    name: "a credential issued after its runtime was killed is revoked by the next runtime",
    verifies: ["R-9.8-4"],
    needs: [credentials, restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const [gate, never] = [site.gate(), site.gate()];
      const label = gate.step.gate;
      const payload = {
        agent,
        input: { steps: [never.step] },
        lease_request: wanting("slow", label),
      };
      await wire.send({ type: "job.submit", payload });
      await accountOf(site, label, ({ orders }) => orders.length === 1);
      await site.restart();
      await gate.open();
      await accountOf(site, label, isOver, "R-9.8-4");
    },
  },
  {
    name: "a child's credential is bounded by its own lease, and does not outlive its parent",
    verifies: ["R-9.8-14"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const [gate, born] = [site.gate(), site.gate()];
      const [own, label] = [newLabel(), newLabel()];
      const child = childOf([{ do: "open", gate: born.step.gate }, gate.step], {
        lease: { ...wanting("plain", label), "cost.budget": ["EUR:1"] },
      });
      const lease_request = {
        "agent.delegate": [agent],
        "cost.budget": ["EUR:5"],
        "x-vendor.conformance.credential": [`plain:${own}`, `plain:${label}`],
      };
      const { id } = await site.play(wire, [child, born.step], { lease_request });
      await wire.next(endsJob(id));
      const { orders } = await accountOf(site, label, isOver, "R-9.8-14");
      assert.deepEqual(
        orders.map(({ budget }) => Number(budget.EUR)),
        [1],
      );
    },
  },
];
