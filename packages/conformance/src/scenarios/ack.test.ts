import { features, ManualClock, REQUEST_ID_FEATURE } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, settled } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const isNotice = ({ type, payload }: StreamEnvelope): boolean =>
  type === "job.event" &&
  payload.kind === "status" &&
  (payload.body as { phase?: unknown }).phase === "back_pressure";
const numbers = (seen: readonly StreamEnvelope[]) => seen.map(({ event_seq }) => event_seq);
const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
const acking = { features: [...features, REQUEST_ID_FEATURE] };
const threshold = (backPressureThreshold: number) => ({ limits: { backPressureThreshold } });

/** Acknowledges, and returns once the runtime has read that: it handles messages in order. */
async function ack(wire: WireClient, last_processed_seq: number, rules?: { faulty: boolean }) {
  await wire.send({ type: "session.ack", payload: { last_processed_seq } }, rules);
  const payload = { nonce: "n", sent_at: new Date().toISOString() };
  await wire.send({ type: "session.ping", payload }, rules);
  await wire.notice(({ type }) => type === "session.pong");
}

const watch = (wire: WireClient, id: string) =>
  wire.request("job.subscribe", { job_id: id, history: true });

describe.each(ways)("over %s", (way) => {
  test("R-6.5-1: a resume replays from the number that it presents, whatever was acknowledged", async () => {
    await using stage = await Stage.open(way, threshold(10));
    const wire = await stage.greeted(acking);
    const { puppet } = await stage.played(wire);
    for (let i = 0; i < 19; i++) await puppet.ctx.thought(`${i}`);
    const seen = await wire.until(({ event_seq }) => event_seq === 21);
    expect(numbers(seen.filter(isNotice))).toEqual([12]);
    await ack(wire, 21);
    await stage.drop(wire);
    // The sniffer compares the contents, including the notice's.
    const again = await stage.resumed(wire, { lastEventSeq: 4 });
    puppet.finish();
    expect(numbers(await again.until(isTerminal))).toEqual(dense(18, 5));
  });

  test("R-6.5-2, R-6.5-3: beyond the retention time, what was not acknowledged is kept, and nothing else", async () => {
    const clock = new ManualClock();
    // Meanwhile nobody is asked for a sign of life.
    const limits = { retentionSec: 60, heartbeatIntervalSec: 86_400 };
    await using stage = await Stage.open(way, { clock, limits });
    const wire = await stage.greeted(acking);
    const { id, puppet } = await stage.played(wire);
    puppet.finish();
    await wire.until(isTerminal);
    await ack(wire, 1);
    clock.advance(6_000_000);
    await settled();
    await stage.drop(wire);
    const again = await stage.resumed(wire, { lastEventSeq: 0 });
    expect(numbers(await again.until(isTerminal))).toEqual([1, 2]);
    const status = () =>
      again.request("job.cancel", { job_id: id }).then(
        ({ payload }) => payload.current_status,
        ({ payload }) => payload.code,
      );
    // A cancel does not make it follow the job.
    expect(await status()).toBe("success");
    await ack(again, 2);
    await settled();
    clock.advance(60_000);
    await expect.poll(status).toBe("JOB_NOT_FOUND");
  });

  test("R-6.5-4: acks that are lower than before, too high, or not agreed on have no effect and no reply", async () => {
    await using stage = await Stage.open(way, threshold(10));
    const wire = await stage.greeted(acking);
    const mute = await stage.greeted({ features: ["subscribe"] });
    const { id, puppet } = await stage.played(wire);
    await watch(mute, id);
    for (let i = 0; i < 4; i++) await puppet.ctx.thought(`${i}`);
    await wire.until(({ event_seq }) => event_seq === 5);
    for (const seq of [5, 3, 0, 6, 1_000_000]) await ack(wire, seq);
    await mute.send({ type: "session.ack", payload: { last_processed_seq: 1 } }, { faulty: true });
    for (let i = 0; i < 12; i++) await puppet.ctx.thought(`${i}`);
    puppet.finish();
    // After 5 + 10 + 1, as if there had been only that one ack.
    expect(numbers((await wire.until(isTerminal)).filter(isNotice))).toEqual([17]);
    expect((await mute.until(isTerminal)).filter(isNotice)).toEqual([]);
  });

  test("R-6.5-8: one notice per breach, to the lagging session alone; the next one after half of it was made up", async () => {
    await using stage = await Stage.open(way, threshold(10));
    const wire = await stage.greeted(acking);
    const { id, puppet } = await stage.played(wire);
    const brisk = await stage.greeted(acking);
    await watch(brisk, id);
    const told: Array<number | undefined> = [];
    const speak = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await puppet.ctx.thought("again");
        const { event_seq = 0 } = await brisk.next();
        await ack(brisk, event_seq);
      }
    };
    await brisk.next();
    await speak(15);
    let seen = await wire.until(({ job_seq }) => job_seq === 16);
    told.push(...numbers(seen.filter(isNotice)));
    expect(wire.lastEventSeq).toBe(17);
    await ack(wire, 11);
    await speak(10);
    seen = await wire.until(({ job_seq }) => job_seq === 26);
    told.push(...numbers(seen.filter(isNotice)));
    expect(told).toEqual([12]);
    await ack(wire, 22);
    await speak(6);
    seen = await wire.until(({ event_seq }) => event_seq === 34);
    told.push(...numbers(seen.filter(isNotice)));
    expect(told).toEqual([12, 34]);
    puppet.finish();
    await wire.until(isTerminal);
    expect((await brisk.until(isTerminal)).filter(isNotice)).toEqual([]);
    expect(brisk.lastEventSeq).toBe(33);
  });

  test("R-6.5-9, R-6.5-10: a client that never acknowledges is not slowed down, disconnected or deprived of events", async () => {
    await using stage = await Stage.open(way, threshold(10));
    const wire = await stage.greeted(acking);
    const { puppet } = await stage.played(wire);
    for (let i = 0; i < 2_000; i++) await puppet.ctx.thought(`${i}`);
    puppet.finish();
    const seen = await wire.until(isTerminal);
    expect(numbers(seen)).toEqual(dense(2_003));
    const records = seen.filter((envelope) => !isNotice(envelope));
    expect(records.map(({ job_seq }) => job_seq)).toEqual(dense(2_002));
    expect(stage.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});
