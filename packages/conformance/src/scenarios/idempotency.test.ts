import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const jobSeqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ job_seq }) => job_seq);
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const keyed = { agent: "puppet", input: { a: 1, b: [2] }, idempotency_key: "k" };
const code = (code: string) => ({ payload: { code } });
const without = ({ request_id: _, ...rest }: { request_id?: unknown }) => rest;

describe.each(ways)("over %s", (way) => {
  test.each([10, 20])(
    "R-7.2-3 and R-7.2-5: %i concurrent submits of one key make one job, and all get its acceptance",
    async (count) => {
      await using stage = await Stage.open(way);
      const wires = [await stage.greeted(), await stage.greeted({ token: tokens.alice2 })];
      const accepted = await Promise.all(
        wires.flatMap((wire) => Array.from({ length: count / 2 }, () => wire.submit(keyed))),
      );
      const payloads = accepted.map(({ payload }) => JSON.stringify(without(payload)));
      expect(new Set(payloads).size).toBe(1);
      const puppet = await stage.puppets.next();
      await puppet.ctx.thought("one");
      puppet.finish("done");
      for (const wire of wires) {
        const [end] = (await wire.until(isTerminal)).slice(-1);
        expect(end?.payload).toMatchObject({ result: "done" });
      }
      expect(stage.puppets.started).toBe(1);
    },
  );

  test("R-7.2-1 and R-7.2-2: a key is its principal's, and the order of members does not matter", async () => {
    await using stage = await Stage.open(way);
    const alice = await stage.greeted();
    const bob = await stage.greeted({ token: tokens.bob });
    const hers = await alice.submit(keyed);
    const his = await bob.submit({ ...keyed, input: "his own" });
    expect(his.payload.job_id).not.toBe(hers.payload.job_id);
    const again = await alice.submit({ ...keyed, input: { b: [2], a: 1 } });
    expect(again.payload.job_id).toBe(hers.payload.job_id);
    await expect(
      alice.submit({ ...keyed, input: { a: 1, b: [2], c: null } }),
    ).rejects.toMatchObject(code("DUPLICATE_KEY"));
  });

  test("R-7.2-4: a conflict while the job runs touches nobody", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner, keyed);
    const watcher = await stage.greeted();
    await watcher.request("job.subscribe", { job_id: id }, { jobId: id });
    const other = await stage.greeted({ token: tokens.alice2 });
    await expect(other.submit({ ...keyed, max_runtime_sec: 5 })).rejects.toMatchObject(
      code("DUPLICATE_KEY"),
    );
    await puppet.ctx.thought("undisturbed");
    puppet.finish("done");
    expect(seqs(await owner.until(isTerminal))).toEqual([1, 2, 3]);
    expect(jobSeqs(await watcher.until(isTerminal)).at(-1)).toBe(3);
    expect(other.lastEventSeq).toBe(0);
    expect(stage.puppets.started).toBe(1);
  });

  test("R-7.2-6: a rejected submit leaves its key free", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const wrong of [{ agent: "nobody" }, { lease_request: { "tool.call": ["a***"] } }]) {
      await expect(wire.submit({ ...keyed, ...wrong })).rejects.toBeDefined();
    }
    await stage.played(wire, keyed);
  });

  test("R-7.2-8: another session that retries follows the job from its beginning, without authority over it", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner, keyed);
    await puppet.ctx.thought("a");
    await owner.until((e) => e.job_seq === 2);
    const other = await stage.greeted({ token: tokens.alice2 });
    expect((await other.submit(keyed)).payload.job_id).toBe(id);
    expect(jobSeqs(await other.until((e) => e.job_seq === 2))).toEqual([1, 2]);
    await expect(other.request("job.cancel", { job_id: id }, { jobId: id })).rejects.toMatchObject(
      code("PERMISSION_DENIED"),
    );
    puppet.finish("done");
    expect(jobSeqs(await other.until(isTerminal))).toEqual([3]);
    expect(jobSeqs(await owner.until(isTerminal))).toEqual([3]);
  });

  test("R-7.2-8: a retry after the owner's session is gone makes its session the owner", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const first = await stage.greeted();
    const { id, puppet, accepted } = await stage.played(first, keyed);
    await puppet.ctx.thought("a");
    await first.until((e) => e.job_seq === 2);
    await stage.drop(first);
    await eventually(() => !stage.runtime.sessions.get(first.sessionId)?.connected);
    await settled();
    clock.advance(600_000);
    await settled();
    const heir = await stage.greeted({ token: tokens.alice2, features: ["subscribe"] });
    const { payload } = await heir.submit(keyed);
    expect(without(payload)).toEqual(without(accepted.payload));
    expect(jobSeqs(await heir.until((e) => e.job_seq === 2))).toEqual([1, 2]);
    const late = await stage.greeted({ features: ["subscribe"] });
    await late.submit(keyed);
    await expect(late.request("job.cancel", { job_id: id }, { jobId: id })).rejects.toMatchObject(
      code("PERMISSION_DENIED"),
    );
    await heir.request("job.cancel", { job_id: id }, { jobId: id });
    puppet.finish();
    const [end] = (await heir.until(isTerminal)).slice(-1);
    expect(end?.payload).toMatchObject({ code: "CANCELLED" });
    expect(jobSeqs(await late.until(isTerminal))).toEqual([1, 2, 3]);
  });

  test("R-7.2-9: a retry of a finished job gets its end once more, and no second run", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { puppet, accepted } = await stage.played(owner, keyed);
    puppet.finish({ ok: true });
    const [end] = (await owner.until(isTerminal)).slice(-1);
    const again = await owner.submit(keyed);
    expect(without(again.payload)).toEqual(without(accepted.payload));
    const copy = await owner.next();
    expect(copy).toMatchObject({ id: end?.id, job_seq: 2, event_seq: 3, payload: end?.payload });
    const other = await stage.greeted({ token: tokens.alice2 });
    await other.submit(keyed);
    expect(jobSeqs(await other.until(isTerminal))).toEqual([1, 2]);
    expect(stage.puppets.started).toBe(1);
  });
});
