import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { endOf, endsJob } from "../job-end.ts";
import { cancel } from "../job-request.ts";
import { windowWithin } from "../need.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { shared } from "../subscription.ts";
import { isThought, thought } from "../thought.ts";

const agent = "conformance.script";
const newKey = () => newMessageId("key_");

export const resubmission: readonly Scenario[] = [
  {
    name: "a key is valid longer than the session that used it and the resume window",
    verifies: ["R-7.2-7"],
    needs: [windowWithin(30)],
    async play(site) {
      const gone = await site.greeted();
      const idempotency_key = newKey();
      const steps = [{ do: "return", value: "kept" } as const];
      const { id } = await site.play(gone, steps, { idempotency_key });
      await gone.until(isTerminal);
      await site.drop(gone);
      await site.pause(site.facts.resumeWindowSec * 1000 + 2000);
      const wire = await site.greeted();
      const again = await wire.submit({ agent, input: { steps }, idempotency_key });
      assert.equal(again.payload.job_id, id, "the record is gone");
      const end = endOf(await wire.until(isTerminal));
      assert.equal(end.result, "kept", "the end is gone");
    },
  },
  {
    name: "a session that submits what another owns follows the job from its beginning, and may not cancel it",
    verifies: ["R-7.2-8"],
    async play(site) {
      const [owner, other] = await Promise.all([site.greeted(), site.greeted()]);
      const gate = site.gate();
      const steps = [{ do: "thought", text: "before" } as const, gate.step];
      const idempotency_key = newKey();
      const { id } = await site.play(owner, steps, { idempotency_key });
      const before = await owner.until(isThought("before"));
      await other.submit({ agent, input: { steps }, idempotency_key });
      const past = await other.until(isThought("before"));
      assert.deepEqual(shared(past), shared(before), "the whole history");
      assert.equal((await refusal(cancel(other, id), "a cancel")).code, "PERMISSION_DENIED");
      await gate.open();
      for (const wire of [owner, other]) {
        assert.equal((await wire.next(isTerminal)).type, "job.result");
      }
    },
  },
  {
    name: "a session that submits what nobody owns any more becomes the owner of the job and its descendants",
    verifies: ["R-7.2-8"],
    needs: [windowWithin(30)],
    async play(site) {
      const gone = await site.greeted();
      const [gate, late] = [site.gate(), site.gate()];
      const child = { steps: [thought("born"), gate.step] };
      const steps = [
        { do: "delegate", agent, input: child } as const,
        { do: "thought", text: "delegated" } as const,
        late.step,
      ];
      const lease_request = { "agent.delegate": [agent] };
      const same = { agent, input: { steps }, lease_request, idempotency_key: newKey() };
      const { payload } = await gone.submit(same);
      await gone.next((e) => e.type === "job.event" && e.payload.kind === "thought");
      await site.drop(gone);
      await site.pause(site.facts.resumeWindowSec * 1000 + 1500);
      const heir = await site.greeted();
      const again = await heir.submit(same);
      assert.equal(again.payload.job_id, payload.job_id);
      const born = await heir.next((e) => e.job_id !== payload.job_id);
      const ids = [`${born.job_id}`, payload.job_id];
      for (const job_id of ids) await cancel(heir, job_id);
      for (const id of ids) {
        const end = await heir.next(endsJob(id));
        assert.equal(endOf(end).code, "CANCELLED");
      }
    },
  },
  {
    name: "a session that submits a finished job again gets its end once more, under a number of its own",
    verifies: ["R-7.2-9", "R-7.2-8"],
    async play(site) {
      const [owner, other] = await Promise.all([site.greeted(), site.greeted()]);
      const same = {
        agent,
        input: { steps: [{ do: "return", value: { ok: true } } as const] },
        idempotency_key: newKey(),
      };
      await owner.submit(same);
      const all = await owner.until(isTerminal);
      await owner.submit(same);
      const copy = await owner.next();
      const end = all.at(-1);
      assert.deepEqual(copy, { ...end, event_seq: all.length + 1 }, "R-7.2-9: a copy of the end");
      await other.submit(same);
      assert.deepEqual(shared(await other.until(isTerminal)), shared(all), "R-7.2-8: all of it");
    },
  },
];
