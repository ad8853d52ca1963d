import { features, ManualClock, REQUEST_ID_FEATURE } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { describe, expect, test } from "vitest";
import { durableWays } from "../../test/line.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const isNotice = ({ job_seq }: StreamEnvelope): boolean => job_seq === undefined;
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const jobSeqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ job_seq }) => job_seq);
const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
const subscribe = (wire: WireClient, id: string, rest: Sent<"job.subscribe"> = {}) =>
  wire.request("job.subscribe", { job_id: id, ...rest });
/** What every viewer must see alike. */
const shared = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.map(({ event_seq: _, session_id: __, ...rest }) => rest);
const acking = { features: [...features, REQUEST_ID_FEATURE] };

/** A store whose changes of sessions never complete once they are held. */
function heldCommits() {
  let isHeld = false;
  return {
    hold: () => {
      isHeld = true;
    },
    leadStore: (store: Store): Store => ({
      ...store,
      sessions: new Proxy(store.sessions, {
        get(sessions, name) {
          if (isHeld && name === "commit") return () => new Promise(() => {});
          const member = Reflect.get(sessions, name);
          return typeof member === "function" ? member.bind(sessions) : member;
        },
      }),
    }),
  };
}

/** Returns once the runtime has handled everything sent before: it does so in order. */
async function heard(wire: WireClient): Promise<void> {
  const payload = { nonce: "n", sent_at: new Date().toISOString() };
  await wire.send({ type: "session.ping", payload });
  await wire.notice(({ type }) => type === "session.pong");
}

async function ack(wire: WireClient, last_processed_seq: number): Promise<void> {
  await wire.send({ type: "session.ack", payload: { last_processed_seq } });
  await heard(wire);
}

/** Two jobs whose records alternate in the numbers of their session: job_seq n of the first is event_seq 2n - 1. */
async function interleaved(stage: Stage, owner: WireClient) {
  const first = await stage.played(owner);
  const seen = await owner.until((e) => e.event_seq === 1);
  const jobs = [first, await stage.played(owner)];
  seen.push(...(await owner.until((e) => e.event_seq === 2)));
  for (let i = 2; i <= 6; i++) {
    for (const [j, { puppet }] of jobs.entries()) {
      if (i < 6) await puppet.ctx.thought(`${i}`);
      else puppet.finish(i);
      seen.push(...(await owner.until((e) => e.event_seq === 2 * i - 1 + j)));
    }
  }
  const id = jobs[0]?.id ?? "";
  const records = seen.filter(({ job_id }) => job_id === id);
  expect(seqs(records)).toEqual([1, 3, 5, 7, 9, 11]);
  return { id, records };
}

describe.each(durableWays)("over %s, through a crash of the runtime", (way) => {
  test("R-7.3-11, R-7.6-5 and R-7.6-11: an already finished job is replayed whole, or from a number of either kind", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const greeted = () => stage.greeted();
    const owner = await greeted();
    const { id, records } = await interleaved(stage, owner);
    await settled();
    await stage.restart();
    const starts = [
      [{}, 0],
      [{ from_job_seq: 4 }, 4],
      [{ from_event_seq: 0 }, 0],
      [{ from_event_seq: 5 }, 3],
      // The number is the other job's: what counts is the latest record of this one below it.
      [{ from_event_seq: 6 }, 3],
      [{ from_event_seq: 10 }, 5],
    ] as const;
    const expectAll = async () => {
      for (const [start, after] of starts) {
        const watcher = await greeted();
        const told = await subscribe(watcher, id, { history: true, ...start });
        const expected = { current_status: "success", replayed: true, last_job_seq: 6 };
        expect(told.payload).toMatchObject({ ...expected, subscribed_from: 0 });
        expect(told.payload.truncated).toBeUndefined();
        const history = await watcher.until(isTerminal);
        expect(shared(history)).toEqual(shared(records.slice(after)));
        expect(seqs(history)).toEqual(dense(6 - after));
      }
    };
    await expectAll();
    // R-6.3-18: the table of its numbers outlives the session that assigned them, and the next crash.
    clock.advance(600_000);
    await settled();
    await expect(stage.resumed(owner)).rejects.toMatchObject({
      payload: { code: "RESUME_WINDOW_EXPIRED" },
    });
    await expectAll();
    await stage.restart();
    await expectAll();
    const bob = await stage.greeted({ token: tokens.bob });
    await expect(subscribe(bob, id, { history: true })).rejects.toMatchObject({
      payload: { code: "JOB_NOT_FOUND" },
    });
  });

  test("R-6.3-14: subscriptions go on where they were, even during a replay, and end with the job", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    const watcher = await stage.greeted({ token: tokens.alice2 });
    const live = await stage.greeted({ token: tokens.alice2 });
    await subscribe(watcher, id, { history: true });
    await subscribe(live, id);
    await puppet.ctx.thought("2");
    expect(jobSeqs(await watcher.until((e) => e.job_seq === 2))).toEqual([1, 2]);
    expect(jobSeqs(await live.until((e) => e.job_seq === 2))).toEqual([2]);
    await stage.drop(watcher);
    await stage.drop(live);
    await puppet.ctx.thought("3");
    await puppet.ctx.flush();
    await stage.restart();
    for (const [wire, replay] of [
      [watcher, [2, 3, 4]],
      [live, [3, 4]],
    ] as const) {
      const again = await stage.resumed(wire, { lastEventSeq: 1 });
      expect(jobSeqs(await again.until(isTerminal))).toEqual(replay);
      // R-7.4-7: it is still not an owner.
      const next = await stage.played(again);
      next.puppet.finish();
      const own = await again.until(isTerminal);
      expect(new Set(own.map(({ job_id }) => job_id))).toEqual(new Set([next.id]));
    }
    // The owner is not affected.
    expect(jobSeqs(await (await stage.resumed(owner)).until(isTerminal)).at(-1)).toBe(4);
  });

  test("R-6.3-20 and R-6.3-14: a client that was told that it follows a job follows it after a crash at that very moment", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const keyed = { idempotency_key: "one" };
    const { id } = await stage.played(owner, keyed);
    const watchers = [];
    for (const ask of [
      (wire: WireClient) => subscribe(wire, id),
      (wire: WireClient) => subscribe(wire, id, { history: true }),
      (wire: WireClient) => wire.submit({ agent: "puppet", ...keyed }),
    ]) {
      const watcher = await stage.greeted({ token: tokens.alice2 });
      const told = ask(watcher);
      watchers.push({ watcher, told });
    }
    await Promise.all(watchers.map(({ told }) => told));
    await stage.restart();
    for (const { watcher } of watchers) {
      const again = await stage.resumed(watcher);
      expect((await again.until(isTerminal)).at(-1)?.job_id).toBe(id);
    }
  });

  test("R-6.3-20 and R-7.6-3: a client not told before the crash asks again, and gets all of it once", async () => {
    const { leadStore, hold } = heldCommits();
    await using stage = await Stage.open(way, { leadStore });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    await puppet.ctx.thought("2");
    await owner.until((e) => e.job_seq === 2);
    const watcher = await stage.greeted({ token: tokens.alice2, ...acking });
    await heard(watcher);
    await settled();
    hold();
    const payload = { job_id: id, history: true };
    await watcher.send({ type: "job.subscribe", job_id: id, payload });
    // Pings are answered all the while (R-4-2).
    await heard(watcher);
    await settled();
    expect(watcher.transcript.toString()).not.toContain("job.subscribed");
    await stage.restart({ leadStore: (store) => store });
    const again = await stage.resumed(watcher, { lastEventSeq: 0 });
    const told = await subscribe(again, id, { history: true });
    expect(told.payload.subscribed_from).toBe(0);
    const history = await again.until(isTerminal);
    expect(jobSeqs(history)).toEqual([1, 2, 3]);
    expect(seqs(history)).toEqual(dense(3));
  });

  test("R-7.6-8 and R-7.3-3: jobs that were unsubscribed from, or seen to their end, do not come back", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const [left, ended] = [await stage.played(owner), await stage.played(owner)];
    const watcher = await stage.greeted({ token: tokens.alice2, ...acking });
    await subscribe(watcher, left.id, { history: true });
    await subscribe(watcher, ended.id, { history: true });
    ended.puppet.finish();
    await watcher.until(isTerminal);
    const { id } = left;
    await watcher.send({ type: "job.unsubscribe", job_id: id, payload: { job_id: id } });
    await heard(watcher);
    await settled();
    const seen = watcher.lastEventSeq;
    await left.puppet.ctx.thought("not for the watcher");
    await left.puppet.ctx.flush();
    await stage.restart();
    const again = await stage.resumed(watcher);
    const next = await stage.played(again);
    next.puppet.finish();
    const rest = await again.until(isTerminal);
    expect(rest.map(({ event_seq, job_id }) => [event_seq, job_id])).toEqual([
      [seen + 1, next.id],
      [seen + 2, next.id],
    ]);
  });

  test("R-6.5-7, R-6.5-8 and R-6.5-1: a lag notice keeps its number and does not recur until half is made up", async () => {
    await using stage = await Stage.open(way, { limits: { backPressureThreshold: 10 } });
    const wire = await stage.greeted(acking);
    const { id, puppet } = await stage.played(wire);
    for (let i = 0; i < 19; i++) await puppet.ctx.thought(`${i}`);
    const seen = await wire.until(({ event_seq }) => event_seq === 21);
    expect(seqs(seen.filter(isNotice))).toEqual([12]);
    // Seven behind: less than the threshold, and more than half of it.
    await ack(wire, 14);
    await settled();
    await stage.restart();
    // The sniffer compares the contents, including the notice's.
    let again = await stage.resumed(wire, { lastEventSeq: 4 });
    const replay = await again.until(isTerminal);
    expect(replay.slice(0, 17)).toEqual(seen.slice(4));
    expect(seqs(replay)).toEqual(dense(18, 5));
    expect(seqs(replay.filter(isNotice))).toEqual([12]);
    expect(replay.at(-1)?.job_id).toBe(id);
    // Beyond it again, but half was never made up: no second notice, in this process or the next one.
    const second = await stage.played(again);
    await second.puppet.ctx.thought("more");
    second.puppet.finish();
    expect((await again.until(isTerminal)).filter(isNotice)).toEqual([]);
    await settled();
    await stage.restart();
    again = await stage.resumed(again);
    const third = await stage.played(again);
    await third.puppet.ctx.thought("more");
    const more = await again.until(({ job_seq }) => job_seq === 2);
    expect(more.filter(isNotice)).toEqual([]);
    // All made up: the next breach causes one notice, at its place.
    const last = again.lastEventSeq;
    await ack(again, last);
    for (let i = 0; i < 15; i++) await third.puppet.ctx.thought(`${i}`);
    third.puppet.finish();
    const flood = await again.until(isTerminal);
    expect(seqs(flood.filter(isNotice))).toEqual([last + 12]);
    expect(seqs(flood)).toEqual(dense(flood.length, last + 1));
  });
});
