import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { flood, type Puppet } from "../../test/puppets.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const jobSeqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ job_seq }) => job_seq);
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const subscribe = (wire: WireClient, id: string, rest: Sent<"job.subscribe"> = {}) =>
  wire.request("job.subscribe", { job_id: id, ...rest });
const emit = async (puppet: Puppet, from: number, to: number) => {
  for (let i = from; i <= to; i++) await puppet.ctx.thought(`${i}`);
};

describe.each(ways)("over %s", (way) => {
  test("R-7.6-5: from_job_seq and from_event_seq select what follows, whatever the owner saw", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    // A second job shifts the owner's numbers against those of the first.
    const first = await stage.played(owner);
    await owner.next();
    const second = await stage.played(owner);
    await owner.next();
    await emit(first.puppet, 1, 1);
    await owner.until((e) => e.event_seq === 3);
    await emit(second.puppet, 1, 1);
    await owner.until((e) => e.event_seq === 4);
    await emit(first.puppet, 2, 3);
    await owner.until((e) => e.event_seq === 6);
    first.puppet.finish();
    await owner.until(isTerminal);
    // The first job has the numbers 1, 3, 5, 6 and 7.
    const expected: [start: object, jobSeqs: number[], replayed: boolean][] = [
      [{ history: true }, [1, 2, 3, 4, 5], true],
      [{ history: true, from_event_seq: 0 }, [1, 2, 3, 4, 5], true],
      [{ history: true, from_event_seq: 1 }, [2, 3, 4, 5], true],
      [{ history: true, from_event_seq: 2 }, [2, 3, 4, 5], true],
      [{ history: true, from_event_seq: 4 }, [3, 4, 5], true],
      [{ history: true, from_event_seq: 6 }, [5], true],
      [{ history: true, from_job_seq: 0 }, [1, 2, 3, 4, 5], true],
      [{ history: true, from_job_seq: 3 }, [4, 5], true],
      [{ history: true, from_job_seq: 4 }, [5], true],
      // Without history only the end comes, from any position.
      [{ from_job_seq: 1 }, [5], false],
      [{ from_event_seq: 1, history: false }, [5], false],
      [{}, [5], false],
    ];
    for (const [start, selected, replayed] of expected) {
      const watcher = await stage.greeted();
      const told = await subscribe(watcher, first.id, start);
      expect(told.payload.replayed, JSON.stringify(start)).toBe(replayed);
      expect(jobSeqs(await watcher.until(isTerminal)), JSON.stringify(start)).toEqual(selected);
    }
  });

  test("R-7.6-7: a client that subscribes again gets no live event twice, and a replay if it asks for one", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    await emit(puppet, 1, 1);
    await owner.until((e) => e.job_seq === 2);
    const told = await subscribe(owner, id);
    expect(told.payload).toMatchObject({ replayed: false, subscribed_from: 2 });
    await emit(puppet, 2, 2);
    expect(await owner.next()).toMatchObject({ event_seq: 3, job_seq: 3 });
    const again = await subscribe(owner, id, { history: true });
    expect(again.payload).toMatchObject({ replayed: true, subscribed_from: 3 });
    await emit(puppet, 3, 3);
    expect(jobSeqs(await owner.until((e) => e.job_seq === 4))).toEqual([1, 2, 3, 4]);
    // The owner stays the owner.
    await owner.request("job.cancel", { job_id: id });
    puppet.finish();
    expect(jobSeqs(await owner.until(isTerminal))).toEqual([5]);
    const late = await subscribe(owner, id, { history: true, from_job_seq: 3 });
    expect(late.payload).toMatchObject({ replayed: true, current_status: "cancelled" });
    expect(seqs(await owner.until(isTerminal))).toEqual([9, 10]);
    await subscribe(owner, id);
    expect(jobSeqs(await owner.until(isTerminal))).toEqual([5]);
  });

  test("R-6.3-8 and R-7.6-7: what was delivered twice in one session is replayed as it was", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    await emit(puppet, 1, 2);
    await owner.until((e) => e.job_seq === 3);
    await subscribe(owner, id, { history: true, from_job_seq: 1 });
    await owner.until((e) => e.event_seq === 5);
    await stage.drop(owner);
    await emit(puppet, 3, 3);
    puppet.finish();
    const again = await stage.resumed(owner, { lastEventSeq: 0 });
    expect(jobSeqs(await again.until(isTerminal))).toEqual([1, 2, 3, 2, 3, 4, 5]);
  });

  test("R-7.6-1: a policy may let others watch, and the submitter always may", async () => {
    const mayObserve = (principal: string, { agent }: { agent: string }) =>
      principal === "bob" && agent === "puppet";
    await using stage = await Stage.open(way, { policy: { mayObserve } });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    const bob = await stage.greeted({ token: tokens.bob });
    const other = await stage.greeted({ token: tokens.alice2 });
    for (const wire of [bob, other]) await subscribe(wire, id, { history: true });
    puppet.finish();
    for (const wire of [bob, other]) expect(await wire.until(isTerminal)).toHaveLength(2);
  });

  test("R-7.6-8: a viewer that leaves in the middle of a flood keeps a stream without gaps", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    const watcher = await stage.greeted();
    await subscribe(watcher, id);
    const stop = flood(puppet);
    await watcher.until((e) => (e.event_seq ?? 0) > 300);
    await watcher.send({ type: "job.unsubscribe", job_id: id, payload: { job_id: id } });
    const { id: mine, puppet: other } = await stage.played(watcher);
    other.finish();
    const seen = await watcher.until((e) => e.job_id === mine && isTerminal(e));
    const last = seen.findLastIndex(({ job_id }) => job_id === id);
    const first = seen.findIndex(({ job_id }) => job_id === mine);
    expect(last).toBeLessThan(first);
    await stop();
  });

  test("R-6.2-5: events that a viewer has no feature for are omitted without a gap, even at the end and in a replay", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner, {
      lease_request: { "cost.budget": ["EUR:2"] },
    });
    const plain = await stage.greeted({ features: ["subscribe"] });
    await subscribe(plain, id, { history: true });
    const { ctx } = puppet;
    await ctx.progress({ current: 1 });
    await ctx.progress({ current: 2 });
    await ctx.thought("seen");
    await ctx.metric({ name: "cost.x", value: 0.5, unit: "EUR" });
    await ctx.progress({ current: 3 });
    await owner.until((e) => e.job_seq === 7);
    expect(jobSeqs(await plain.until((e) => e.job_seq === 5))).toEqual([1, 4, 5]);
    // The last event that was read is hidden, and the connection is lost right there.
    await stage.drop(plain);
    await ctx.progress({ current: 4 });
    const again = await stage.resumed(plain, { lastEventSeq: 1 });
    expect(jobSeqs(await again.until((e) => e.event_seq === 3))).toEqual([4, 5]);
    await ctx.progress({ current: 5 });
    puppet.finish();
    expect(seqs(await again.until(isTerminal))).toEqual([4]);
    const late = await stage.greeted({ features: ["subscribe"] });
    await subscribe(late, id, { history: true });
    const seen = await late.until(isTerminal);
    expect(jobSeqs(seen)).toEqual([1, 4, 5, 10]);
    expect(seqs(seen)).toEqual([1, 2, 3, 4]);
  });

  test("R-7.6-5: a history of which this viewer sees nothing is not announced", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    for (let current = 0; current < 3; current++) await puppet.ctx.progress({ current });
    await owner.until((e) => e.job_seq === 4);
    const plain = await stage.greeted({ features: ["subscribe"] });
    const told = await subscribe(plain, id, { history: true, from_job_seq: 1 });
    expect(told.payload.replayed).toBe(false);
  });

  test("R-7.6-5: evicted history is reported, and what is stored is replayed", async () => {
    await using stage = await Stage.open(way, { logLimits: { records: 5 } });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    for (let i = 2; i <= 9; i++) {
      await emit(puppet, i, i);
      await owner.until((e) => e.job_seq === i);
    }
    // Records 5 to 9 are stored.
    const starts: [number, boolean | undefined, number][] = [
      [0, true, 5],
      [3, true, 5],
      [4, undefined, 5],
      [6, undefined, 7],
    ];
    for (const [from_job_seq, truncated, first] of starts) {
      const watcher = await stage.greeted();
      const told = await subscribe(watcher, id, { history: true, from_job_seq });
      expect(told.payload).toMatchObject({ replayed: true, last_job_seq: 9 });
      expect(told.payload.truncated).toBe(truncated);
      expect(jobSeqs(await watcher.until((e) => e.job_seq === 9))).toEqual(range(first, 9));
    }
    // A viewer that wants only new events misses nothing.
    const watcher = await stage.greeted();
    expect((await subscribe(watcher, id)).payload.truncated).toBeUndefined();
    puppet.finish();
    expect(jobSeqs(await watcher.until(isTerminal))).toEqual([10]);
  });

  test("R-7.3-11: a finished job is kept for its retention time, with history and end, and then forgotten", async () => {
    const clock = new ManualClock();
    const limits = { resumeWindowSec: 100, retentionSec: 500 };
    await using stage = await Stage.open(way, { clock, limits });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    await emit(puppet, 1, 3);
    puppet.finish();
    await owner.until(isTerminal);
    const watcher = await stage.greeted();
    await settled();
    clock.advance(499_000);
    await subscribe(watcher, id, { history: true });
    expect(await watcher.until(isTerminal)).toHaveLength(5);
    // What was sent so recently may not have arrived, and this client does not acknowledge.
    clock.advance(1_000);
    await settled();
    const late = await stage.greeted();
    await subscribe(late, id);
    await late.until(isTerminal);
    await settled();
    clock.advance(110_000);
    // The removal may be on its way to the disk.
    const listed = async () => (await watcher.request("session.list_jobs", {})).payload.jobs;
    await expect.poll(listed).toEqual([]);
    await expect(subscribe(watcher, id)).rejects.toMatchObject({
      payload: { code: "JOB_NOT_FOUND" },
    });
    // A client that has seen it all can still resume.
    await stage.drop(owner);
    const again = await stage.resumed(owner);
    const { puppet: next } = await stage.played(again);
    next.finish();
    expect(seqs(await again.until(isTerminal))).toEqual([6, 7]);
  });

  test("R-7.6-3: a finished job sends its end even to a viewer that asks only for what follows it", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    puppet.finish();
    await owner.until(isTerminal);
    for (const start of [{ from_job_seq: 2 }, { from_job_seq: 99 }, { from_event_seq: 99 }]) {
      const watcher = await stage.greeted();
      await subscribe(watcher, id, { history: true, ...start });
      expect(jobSeqs(await watcher.until(isTerminal))).toEqual([2]);
    }
  });

  test("R-6.3-9: a finished and forgotten job that a session had subscribed to does not prevent its resume", async () => {
    const clock = new ManualClock();
    const limits = { resumeWindowSec: 1_000, retentionSec: 10 };
    await using stage = await Stage.open(way, { clock, limits });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    puppet.finish();
    await owner.until(isTerminal);
    const watcher = await stage.greeted();
    await subscribe(watcher, id, { history: true, from_job_seq: 2 });
    await settled();
    clock.advance(10_000);
    await settled();
    await stage.drop(watcher);
    const again = await stage.resumed(watcher);
    await stage.played(again);
  });

  test("R-7.6-4: a subscription made during the replay of a resume fits into the numbers", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { puppet } = await stage.played(owner);
    const other = await stage.greeted();
    const { id, puppet: watched } = await stage.played(other);
    await emit(puppet, 1, 2_000);
    await owner.until((e) => e.event_seq === 2_001);
    const again = await stage.resumed(owner, { lastEventSeq: 0 });
    const told = await subscribe(again, id, { history: true });
    expect(told.payload.subscribed_from).toBe(2_001);
    watched.finish();
    const all = await again.until((e) => e.job_id === id && isTerminal(e));
    expect(seqs(all)).toEqual(range(1, 2_003));
    puppet.finish();
  });
});
