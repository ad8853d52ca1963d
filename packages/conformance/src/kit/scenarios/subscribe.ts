import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { credentials, newLabel, wanting } from "../credential-account.ts";
import { bodiesOf } from "../event-body.ts";
import { cancel, subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { jobSeqsOf, shared } from "../subscription.ts";
import { isThought, reached, thought, thoughts } from "../thought.ts";

const needs = [feature("subscribe")] as const;

export const subscription: readonly Scenario[] = [
  {
    name: "a second session lists the job, subscribes with history and sees what the owner sees to the end, under its own numbers",
    verifies: ["R-13-3", "R-7.6-1", "R-7.6-4", "R-7.6-11"],
    needs: [...needs, feature("list_jobs")],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id, accepted } = await site.play(owner, [
        thoughts(3),
        thought("early"),
        gate.step,
        thought("late"),
        { do: "return", value: { ok: true } },
      ]);
      const all = await owner.until(isThought("early"));
      const watcher = await site.greeted();
      await site.played(watcher, []);
      const before = watcher.lastEventSeq;
      const filter = { status: ["running"] as ["running"] };
      const listing = await watcher.request("session.list_jobs", { filter, limit: 1000 });
      const entry = listing.payload.jobs.find(({ job_id }) => job_id === id);
      assert.notEqual(entry, undefined, "R-13-3: the job is listed");
      const head = all.at(-1)?.job_seq;
      assert.equal(entry?.last_job_seq, head, "R-7.6-11: an entry tells the head of its job's log");
      const { payload: told } = await subscribe(watcher, id, { history: true });
      assert.equal(told.last_job_seq, head, "R-7.6-11: so does job.subscribed");
      const { current_status, agent, lease, parent_job_id, trace_id, subscribed_from } = told;
      assert.deepEqual(
        { current_status, agent, lease, parent_job_id, trace_id, subscribed_from },
        {
          current_status: "running",
          agent: "conformance.script",
          lease: {},
          parent_job_id: null,
          trace_id: accepted.payload.trace_id,
          subscribed_from: before,
        },
        "R-7.6-4: what the subscription is told",
      );
      await gate.open();
      all.push(...(await owner.until(isTerminal)));
      const seen = await watcher.until(isTerminal);
      assert.deepEqual(
        seen.map(({ event_seq }) => event_seq),
        all.map((_, index) => before + 1 + index),
        "R-7.6-4: the numbers are the viewer's own",
      );
      assert.deepEqual(
        jobSeqsOf(all),
        all.map((_, index) => index + 1),
        "R-7.6-11: job_seq is dense from 1",
      );
      assert.deepEqual(shared(seen), shared(all), "R-7.6-4: all else is as the owner sees it");
    },
  },
  {
    name: "a job of another principal gets the same answer as one that never existed",
    verifies: ["R-7.6-1", "R-7.6-2"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const { id } = await site.play(owner, [thought("runs"), gate.step]);
      await reached(owner, "runs");
      const stranger = await site.greeted({ who: "second" });
      const granted = await subscribe(stranger, id).then(
        () => true,
        () => false,
      );
      assert.equal(granted, false, "R-7.6-1: nobody but the submitter may observe it");
      const said = async (job: string, rest: object): Promise<unknown> => {
        const { envelope } = await refusedWith(
          subscribe(stranger, job, rest),
          "JOB_NOT_FOUND",
          "a job that may not be observed is not found",
        );
        const { payload, id: _id, job_id, ...frame } = envelope;
        const { request_id: _request, job_id: named, ...error } = payload;
        assert.equal(job_id ?? named, job);
        const text = JSON.stringify({ ...frame, error, names: [job_id, named] });
        return text.replaceAll(job, "the job");
      };
      const unknown = `${id.slice(0, -4)}ZZZZ`;
      for (const rest of [{}, { history: true }, { history: true, from_event_seq: 99 }]) {
        assert.deepEqual(
          await said(id, rest),
          await said(unknown, rest),
          "R-7.6-2: nothing tells the two apart",
        );
      }
      await site.settled(stranger);
      assert.ok(!stranger.transcript.toString().includes('"event_seq"'));
      await gate.open();
      await owner.until(isTerminal);
      assert.deepEqual(
        await said(id, { history: true }),
        await said(unknown, { history: true }),
        "R-7.6-2: nor when the job is over",
      );
    },
  },
  {
    name: "another session of the submitter is shown the credentials of a live job, but not their rotations",
    verifies: ["R-7.6-9"],
    needs: [...needs, credentials],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      const lease_request = wanting("plain", newLabel());
      const steps: Step[] = [gate.step, { do: "rotate" }, thought("rotated")];
      const { id, accepted } = await site.play(owner, steps, { lease_request });
      const watcher = await site.greeted();
      const { payload } = await subscribe(watcher, id, { history: true });
      assert.deepEqual(
        payload.credentials,
        accepted.payload.credentials,
        "R-7.6-9: they are withheld from other principals alone",
      );
      await gate.open();
      const rotations = async (wire: WireClient): Promise<number> => {
        const seen = bodiesOf(await wire.until(isTerminal), "status");
        return seen.filter(({ phase }) => phase === "credential_rotated").length;
      };
      assert.equal(await rotations(owner), 1);
      assert.equal(await rotations(watcher), 0, "R-7.6-9: a rotation is for the owner alone");
    },
  },
  {
    name: "a resume continues with numbers and cancel authority; a subscription has its own numbers and no authority",
    verifies: ["R-7.7-1"],
    needs,
    async play(site) {
      const owner = await site.greeted();
      const away = site.gate();
      await site.played(owner, []);
      const { id } = await site.play(owner, [
        thought("seen"),
        away.step,
        thought("missed"),
        site.gate().step,
      ]);
      const seen = await reached(owner, "seen");
      await site.drop(owner);
      await away.open();
      const watcher = await site.greeted();
      await subscribe(watcher, id);
      await refusedWith(
        cancel(watcher, id),
        "PERMISSION_DENIED",
        "R-7.7-1: who subscribes may not cancel",
      );
      await subscribe(watcher, id, { history: true });
      const told = await watcher.until(isThought("missed"));
      assert.deepEqual(
        told.map(({ event_seq }) => event_seq),
        told.map((_, index) => index + 1),
        "R-7.7-1: a subscription runs in the numbers of its session",
      );
      const again = await site.resumed(owner);
      assert.equal(again.sessionId, owner.sessionId);
      assert.equal(await reached(again, "missed"), seen + 1, "R-7.7-1: a resume goes on counting");
      await cancel(again, id);
      const end = await again.next(isTerminal);
      assert.equal(end.type === "job.error" && end.payload.code, "CANCELLED");
    },
  },
];
