import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { Step } from "../../test-agents/step.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { accountOf, asked, credentials, newLabel, wanting } from "../credential-account.ts";
import { bodiesOf } from "../event-body.ts";
import { endsJob } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const agent = "conformance.script";

export const rotation: readonly Scenario[] = [
  {
    name: "only the owner is told of a rotation, and then the previous value is revoked",
    verifies: ["R-9.8-9", "R-9.8-10"],
    needs: [credentials],
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
      await subscribe(watcher, id, { history: true });
      await gate.open();
      const told = await wire.next((e) => bodiesOf([e], "status")[0]?.phase === ROTATED);
      const [body = {}] = bodiesOf([told], "status");
      assert.equal(body.id, first?.id, "R-9.8-9: the id stays");
      assert.notEqual(body.value, first?.value, "R-9.8-9: the value is a new one");
      await accountOf(site, label, ({ revoked }) => revoked === 1, "R-9.8-9");
      const alive = await Promise.all(
        [first?.value, `${body.value}`].map((value) =>
          asked(site, other, { do: "present", value: `${value}` }),
        ),
      );
      assert.deepEqual(alive, [false, true], "R-9.8-9: the former value alone is revoked");
      const listing = await watcher.request("session.list_jobs", { limit: 1000 });
      await late.open();
      const end = await wire.until(endsJob(id));
      const seen = await watcher.until(endsJob(id));
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
    name: "a replayed rotation keeps its number and has the current value, or none once the job is over",
    verifies: ["R-9.8-11"],
    needs: [credentials],
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
      await again.until(endsJob(id));
      await site.drop(again);
      const last = await site.resumed(again, { lastEventSeq: 0 });
      const over = await last.until(endsJob(id));
      assert.deepEqual(
        bodiesOf(over, "status")
          .filter(({ phase }) => phase === ROTATED)
          .map((body) => "value" in body),
        [false, false],
      );
    },
  },
  {
    name: "a subscriber is shown the credentials of a live job, if it negotiated them",
    verifies: ["R-9.8-12"],
    needs: [credentials],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const steps: Step[] = [{ do: "rotate" }, { do: "thought", text: "rotated" }, gate.step];
      const { id } = await site.play(wire, steps, { lease_request: wanting("plain", newLabel()) });
      const live = await wire.until((e) => bodiesOf([e], "thought").length > 0);
      const current = bodiesOf(live, "status").at(-1)?.value;
      const ask = async (watcher: WireClient) => (await subscribe(watcher, id)).payload.credentials;
      const watcher = await site.greeted();
      const shown = await ask(watcher);
      assert.deepEqual(
        shown?.map(({ value }) => value),
        [current],
      );
      const plain = await site.greeted({ features: ["subscribe"] });
      assert.equal(await ask(plain), undefined, "without the feature");
      await gate.open();
      await wire.until(endsJob(id));
      assert.equal(await ask(await site.greeted()), undefined, "after the end");
    },
  },
  {
    name: "a repeated submit shows the current credentials while the job is live, and none afterwards",
    verifies: ["R-7.2-3"],
    needs: [credentials],
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
];

const ROTATED = "credential_rotated";
