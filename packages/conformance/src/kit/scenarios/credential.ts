import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { childOf } from "../child-step.ts";
import { bodiesOf } from "../event-body.ts";
import { endOf } from "../job-end.ts";
import { feature, restart, settingWithin } from "../need.ts";
import { refusal } from "../refusal.ts";
import { runtimeTime } from "../runtime-clock.ts";
import type { Scenario } from "../scenario.ts";
import { stepValue } from "../script-outcome.ts";
import { isTerminal, type Site } from "../site.ts";

const agent = "conformance.script";
const needs = [feature("provisioned_credentials")];
const newLabel = () => newMessageId("label_");
/** A lease that asks for a credential. */
const wanting = (how: string, label: string) => ({
  "x-vendor.conformance.credential": [`${how}:${label}`],
});

interface Account {
  readonly issued: number;
  readonly asked: number;
  readonly revoked: number;
  readonly orders: readonly Order[];
}

interface Order {
  readonly budget: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly expires_at?: string;
}

/** What one step comes to, done by a job of its own. */
async function asked(site: Site, wire: WireClient, step: Step): Promise<unknown> {
  const { id } = await site.play(wire, [{ ...step, as: "it" } as Step]);
  return stepValue(await wire.next((e) => isTerminal(e) && e.job_id === id), "it");
}

/** Asks for the upstream's account until it is as it should be. Fails when it never is. */
async function accountOf(
  site: Site,
  label: string,
  fits: (account: Account) => boolean,
): Promise<Account> {
  const wire = await site.greeted();
  for (let n = 0; ; n++) {
    const account = (await asked(site, wire, { do: "account", label })) as Account;
    if (fits(account)) return account;
    if (n === 40) assert.fail(`the upstream's account stays ${JSON.stringify(account)}`);
    await site.pause(n < 20 ? 50 : 400);
  }
}

const isOver = ({ issued, revoked }: Account): boolean => issued > 0 && revoked === issued;

export const credential: readonly Scenario[] = [
  {
    name: "a credential is issued, delivered in the acceptance, used, and revoked once when the job has its result",
    verifies: ["R-13-7", "R-9.8-2"],
    needs,
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
        const end = await wire.next((e) => isTerminal(e) && e.job_id === id);
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
    needs,
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
      assert.deepEqual(
        Object.entries(order?.budget ?? {}).map(([currency, amount]) => [currency, Number(amount)]),
        [
          ["EUR", 2.5],
          ["USD", 1],
        ],
      );
      assert.deepEqual(order?.models, ["conformance/*"]);
      assert.equal(Date.parse(`${order?.expires_at}`), Date.parse(expires_at));
    },
  },
  {
    name: "a submit whose credential cannot be issued is refused, and what was issued is revoked",
    verifies: ["R-9.8-5"],
    needs,
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
        const account = await accountOf(site, label, isOver);
        assert.deepEqual([account.issued, account.revoked], [1, 1]);
      }
      await site.settled(wire);
      assert.equal(wire.lastEventSeq, 0, "a job ran without what it needs");
    },
  },
  {
    name: "an issue that takes too long counts as failed, and what comes of it later is revoked",
    verifies: ["R-9.8-5"],
    needs: [...needs, settingWithin("provisionerSec", 8)],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const label = gate.step.gate;
      const lease_request = wanting("slow", label);
      const submit = wire.submit({ agent, input: { steps: [] }, lease_request });
      assert.equal((await refusal(submit, "a slow issue")).code, "INTERNAL_ERROR");
      await gate.open();
      await accountOf(site, label, isOver);
    },
  },
  ...(["success", "error", "cancelled", "timed_out", "expired"] as const).map(
    (how): Scenario => ({
      name: `the credential of a job that ends as ${how} is revoked`,
      verifies: ["R-9.8-6"],
      needs,
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
        if (how === "cancelled") await wire.request("job.cancel", { job_id: id }, { jobId: id });
        const { final_status } = endOf(await wire.next((e) => isTerminal(e) && e.job_id === id));
        assert.equal(final_status, how === "expired" ? "error" : how);
        await accountOf(site, label, isOver);
      },
    }),
  ),
  {
    name: "what is issued to a child after its parent has ended is revoked",
    verifies: ["R-9.8-6", "R-9.8-14"],
    needs,
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
    name: "an upstream that does not answer a revocation does not hold up the end of a job",
    verifies: ["R-9.8-7"],
    needs,
    async play(site) {
      const [wire, other] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const label = gate.step.gate;
      const { id } = await site.play(wire, [], { lease_request: wanting("hung", label) });
      await wire.next((e) => isTerminal(e) && e.job_id === id);
      const { asked: times } = (await asked(site, other, { do: "account", label })) as Account;
      assert.equal(times, 1, "the revocation had not begun when the end was sent");
      await gate.open();
      await accountOf(site, label, isOver);
    },
  },
  {
    name: "a revocation that fails is tried again until it succeeds",
    verifies: ["R-9.8-8"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const label = newLabel();
      await site.played(wire, [], { lease_request: wanting("flaky", label) });
      const { asked: times } = await accountOf(site, label, isOver);
      assert.equal(times, 3);
    },
  },
  {
    name: "what a restart has cut off is revoked after it",
    verifies: ["R-9.8-8"],
    needs: [...needs, restart],
    alone: true,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const label = newLabel();
      await site.play(wire, [gate.step], { lease_request: wanting("plain", label) });
      await site.restart();
      await accountOf(site, label, isOver);
    },
  },
  {
    name: "what an upstream issues after the runtime that asked for it was cut off is revoked by the next one",
    verifies: ["R-9.8-4"],
    needs: [...needs, restart],
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
      await accountOf(site, label, isOver);
    },
  },
  {
    name: "a rotation is told to the owner alone, and then the former value is revoked",
    verifies: ["R-9.8-9", "R-9.8-10"],
    needs,
    async play(site) {
      const [wire, watcher, other] = await Promise.all([
        site.greeted(),
        site.greeted(),
        site.greeted(),
      ]);
      const [gate, late] = [site.gate(), site.gate()];
      const label = newLabel();
      const steps: Step[] = [gate.step, { do: "rotate" }, late.step];
      const { id, accepted } = await site.play(wire, steps, {
        lease_request: wanting("plain", label),
      });
      const [first] = accepted.payload.credentials ?? [];
      await watcher.request("job.subscribe", { job_id: id, history: true }, { jobId: id });
      await gate.open();
      const told = await wire.next((e) => bodiesOf([e], "status")[0]?.phase === ROTATED);
      const [body = {}] = bodiesOf([told], "status");
      assert.equal(body.id, first?.id, "R-9.8-9: the id stays");
      assert.notEqual(body.value, first?.value, "R-9.8-9: the value is a new one");
      await accountOf(site, label, ({ revoked }) => revoked === 1);
      const alive = await Promise.all(
        [first?.value, `${body.value}`].map((value) =>
          asked(site, other, { do: "present", value: `${value}` }),
        ),
      );
      assert.deepEqual(alive, [false, true], "R-9.8-9: the former value alone is revoked");
      const listing = await watcher.request("session.list_jobs", { limit: 1000 });
      await late.open();
      const end = await wire.until((e) => isTerminal(e) && e.job_id === id);
      const seen = await watcher.until((e) => isTerminal(e) && e.job_id === id);
      assert.ok(
        !bodiesOf(seen, "status").some(({ phase }) => phase === ROTATED),
        "R-9.8-9: somebody else was told",
      );
      const texts = JSON.stringify([listing, end, seen]);
      for (const value of [first?.value, body.value]) {
        assert.ok(!texts.includes(`${value}`), "R-9.8-10: a value stands in the clear");
      }
    },
  },
  {
    name: "a rotation that is replayed keeps its number and has the present value, and none when the job is over",
    verifies: ["R-9.8-11"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(
        wire,
        [{ do: "rotate" }, { do: "rotate" }, { do: "thought", text: "rotated" }, gate.step],
        { lease_request: wanting("plain", newLabel()) },
      );
      const live = await wire.until((e) => bodiesOf([e], "thought").length > 0);
      const current = bodiesOf(live, "status").at(-1)?.value;
      const numbers = live.map(({ event_seq }) => event_seq);
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: 0 });
      const replay = await again.until((e) => bodiesOf([e], "thought").length > 0);
      assert.deepEqual(
        replay.map(({ event_seq }) => event_seq),
        numbers,
      );
      const rotations = bodiesOf(replay, "status").filter(({ phase }) => phase === ROTATED);
      assert.deepEqual(
        rotations.map(({ value }) => value),
        [current, current],
      );
      await gate.open();
      await again.until((e) => isTerminal(e) && e.job_id === id);
      await site.drop(again);
      const last = await site.resumed(again, { lastEventSeq: 0 });
      const over = await last.until((e) => isTerminal(e) && e.job_id === id);
      assert.deepEqual(
        bodiesOf(over, "status")
          .filter(({ phase }) => phase === ROTATED)
          .map((body) => "value" in body),
        [false, false],
      );
    },
  },
  {
    name: "whoever subscribes is shown the credentials of a live job, if it agreed to them",
    verifies: ["R-9.8-12"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps: Step[] = [{ do: "rotate" }, { do: "thought", text: "rotated" }, gate.step];
      const { id } = await site.play(wire, steps, { lease_request: wanting("plain", newLabel()) });
      const live = await wire.until((e) => bodiesOf([e], "thought").length > 0);
      const current = bodiesOf(live, "status").at(-1)?.value;
      const ask = async (watcher: WireClient) =>
        (await watcher.request("job.subscribe", { job_id: id }, { jobId: id })).payload.credentials;
      const watcher = await site.greeted();
      const shown = await ask(watcher);
      assert.deepEqual(
        shown?.map(({ value }) => value),
        [current],
      );
      const plain = await site.greeted({ features: ["subscribe"] });
      assert.equal(await ask(plain), undefined, "without the feature");
      await gate.open();
      await wire.until((e) => isTerminal(e) && e.job_id === id);
      assert.equal(await ask(await site.greeted()), undefined, "after the end");
    },
  },
  {
    name: "a child's credential is bounded by its own lease, and does not outlive its parent",
    verifies: ["R-9.8-14"],
    needs,
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
      await wire.next((e) => isTerminal(e) && e.job_id === id);
      const { orders } = await accountOf(site, label, isOver);
      assert.deepEqual(
        orders.map(({ budget }) => Number(budget.EUR)),
        [1],
      );
    },
  },
  {
    name: "a submit that is repeated shows the present credentials while the job is live, and none afterwards",
    verifies: ["R-7.2-3"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const same = {
        agent,
        input: { steps: [{ do: "rotate" } as const, gate.step] },
        lease_request: wanting("plain", newLabel()),
        idempotency_key: newMessageId("key_"),
      };
      const { payload } = await wire.submit(same);
      const told = await wire.next((e) => bodiesOf([e], "status")[0]?.phase === ROTATED);
      const live = await wire.submit(same);
      assert.deepEqual(
        live.payload.credentials?.map(({ id, value }) => [id, value]),
        [[payload.credentials?.[0]?.id, bodiesOf([told], "status")[0]?.value]],
      );
      await gate.open();
      await wire.next(isTerminal);
      const over = await wire.submit(same);
      assert.equal(over.payload.job_id, payload.job_id);
      assert.equal(over.payload.credentials, undefined);
    },
  },
  {
    name: "identical submits that come while a credential is being issued wait for it, and it is issued once",
    verifies: ["R-7.2-5"],
    needs,
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

const ROTATED = "credential_rotated";
