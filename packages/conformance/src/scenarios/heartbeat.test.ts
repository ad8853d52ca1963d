import { type ConnectionState, connect } from "@arcp/client";
import { type Envelope, ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { type Line, ways } from "../../test/line.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";
import type { WireOptions } from "../wire/wire-line.ts";

const SECONDS = 20;
/** In ms. */
const INTERVAL = SECONDS * 1000;
const features = ["heartbeat", "ack"];
/** A client that answers nothing, but acknowledges: a sign of life even without the feature `ack`. */
const mute: WireOptions = { answerPings: false, waive: ["R-6.2-2"] };
const sent_at = "2026-11-02T08:16:00.000Z";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const isPing = (envelope: Envelope): envelope is Envelope<"session.ping"> =>
  envelope.type === "session.ping";
const isLoss = (envelope: Envelope): envelope is Envelope<"session.error"> =>
  envelope.type === "session.error" && envelope.payload.code === "HEARTBEAT_LOST";

const pinged = ({ transcript }: WireClient): number =>
  transcript.toString().match(/^<- .*"session\.ping"/gm)?.length ?? 0;
const isLost = ({ transcript }: WireClient): boolean =>
  transcript.toString().includes("HEARTBEAT_LOST");

let nonces = 0;

/** Pings the runtime: once its pong arrives, it has read everything sent before. */
async function synced(wire: WireClient): Promise<void> {
  const nonce = `sync-${++nonces}`;
  await wire.send({ type: "session.ping", payload: { nonce, sent_at } });
  await wire.notice(
    (e) => e.type === "session.pong" && JSON.stringify(e.payload).includes(`"${nonce}"`),
  );
}

/** Waits the real time that a loss takes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await settled();
  }
}

describe.each(ways)("heartbeats over %s", (way) => {
  const staged = async () => {
    const clock = new ManualClock();
    const limits = { heartbeatIntervalSec: SECONDS };
    return { clock, stage: await Stage.open(way, { clock, limits }) };
  };

  test("R-6.4-1: a silent client that receives a stream of events is pinged once an interval, and not dropped", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features });
    expect(wire.welcome.payload.heartbeat_interval_sec).toBe(SECONDS);
    const { puppet } = await stage.played(wire);
    for (let step = 0; step < 50; step++) {
      clock.advance(INTERVAL / 5);
      await puppet.ctx.thought(`${step}`);
      await wire.until((e) => e.type === "job.event" && e.payload.body["text"] === `${step}`);
      await settled();
    }
    expect(pinged(wire)).toBeGreaterThanOrEqual(9);
    expect(pinged(wire)).toBeLessThanOrEqual(11);
    await synced(wire);
  });

  test("R-6.4-2: a ping without the feature is answered with its nonce, and none is sent", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features: [] }, { waive: ["R-6.2-2"] });
    await synced(wire);
    clock.advance(10 * INTERVAL);
    await turns();
    expect(pinged(wire)).toBe(0);
    await synced(wire);
  });

  test("R-6.4-3 and R-6.4-4: a silent client is alive after 1.9 intervals; after two it is told and dropped", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features }, { answerPings: false });
    await synced(wire);
    clock.advance(INTERVAL);
    await wire.notice(isPing);
    clock.advance(0.9 * INTERVAL);
    await turns();
    expect(isLost(wire)).toBe(false);
    clock.advance(0.1 * INTERVAL);
    const { payload } = await wire.notice(isLoss);
    expect(payload.request_id).toBeUndefined();
    expect(await wire.closed).toBe("going-away");
  });

  test("R-6.4-4: a client that reads nothing is dropped too, once its last frames had their time", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features }, { answerPings: false });
    const { puppet } = await stage.played(wire);
    stage.lineOf(wire).stall();
    for (let i = 0; i < 40; i++) void puppet.ctx.thought("x".repeat(50_000));
    await turns();
    for (let beat = 0; beat < 3; beat++) {
      clock.advance(INTERVAL);
      await turns();
    }
    clock.advance(2_000);
    const again = await stage.resumed(wire, { lastEventSeq: 0 });
    puppet.finish();
    await again.until(isTerminal);
  });

  test("R-6.4-5 and R-13-1: ping and pong work both ways; a lost client's job goes on, and a resume gets its result", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features }, { answerPings: false });
    const { puppet } = await stage.played(wire);
    await puppet.ctx.thought("heard");
    await wire.next();
    for (let beat = 0; beat < 3; beat++) {
      clock.advance(INTERVAL);
      const { payload } = await wire.notice(isPing);
      const pong = { ping_nonce: payload.nonce, received_at: sent_at };
      await wire.send({ type: "session.pong", payload: pong });
      await synced(wire);
    }
    for (let beat = 0; beat < 2; beat++) {
      clock.advance(INTERVAL);
      await turns();
    }
    await wire.notice(isLoss);
    expect(await wire.closed).toBe("going-away");
    expect(puppet.ctx.signal.aborted).toBe(false);
    await puppet.ctx.thought("missed");
    clock.advance(590_000);
    const again = await stage.resumed(wire);
    expect(again.sessionId).toBe(wire.sessionId);
    expect(again.welcome.payload.heartbeat_interval_sec).toBe(SECONDS);
    puppet.finish("survived");
    const rest = await again.until(isTerminal);
    expect(rest.at(-1)).toMatchObject({ type: "job.result", payload: { result: "survived" } });
  });

  test("R-6.4-6: ten heartbeats take no number, and none of them is replayed", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features });
    const { puppet } = await stage.played(wire);
    await puppet.ctx.thought("before");
    await wire.until((e) => e.type === "job.event" && e.payload.body["text"] === "before");
    const before = wire.lastEventSeq;
    for (let beat = 0; beat < 10; beat++) {
      clock.advance(INTERVAL);
      const ping = await wire.notice(isPing);
      expect(ping.event_seq).toBeUndefined();
      await synced(wire);
    }
    await puppet.ctx.thought("after");
    expect((await wire.next()).event_seq).toBe(before + 1);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { lastEventSeq: before });
    expect((await again.next()).event_seq).toBe(before + 1);
    expect(pinged(again)).toBe(0);
  });

  test("R-6.4-7: acks alone keep a session alive", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features }, mute);
    for (let step = 0; step < 10; step++) {
      clock.advance(0.9 * INTERVAL);
      await wire.send({ type: "session.ack", payload: { last_processed_seq: 0 } });
      await turns();
    }
    expect(isLost(wire)).toBe(false);
    await synced(wire);
  });

  test("R-6.4-8: an event loop that stalls for four intervals does not lose a client that has sent something", async () => {
    const { clock, stage: opened } = await staged();
    await using stage = opened;
    const wire = await stage.greeted({ features }, mute);
    clock.advance(INTERVAL);
    await wire.notice(isPing);
    // A loop that stalled runs all overdue timers first, and then reads what waits.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const said = wire.send({ type: "session.ack", payload: { last_processed_seq: 0 } });
    clock.advance(4 * INTERVAL);
    await said;
    await stage.played(wire);
    expect(isLost(wire)).toBe(false);
  });

  test("R-6.4-4 and R-13-1: a client whose runtime falls silent says so, reconnects and gets the result", async () => {
    await using stage = await Stage.open(way, { limits: { heartbeatIntervalSec: SECONDS } });
    const clock = new ManualClock();
    const lines: Line[] = [];
    const dial = async () => {
      const line = await stage.line();
      lines.push(line);
      return line.transport;
    };
    await using client = await connect(dial, { token: tokens.alice, clock });
    expect(client.session.features).toContain("heartbeat");
    const job = await client.submit("puppet");
    const puppet = await stage.puppets.next();
    await puppet.ctx.thought("heard");
    for await (const event of job.events) if (event.kind === "thought") break;
    lines[0]?.stall();
    await settled();
    for (let beat = 0; beat < 2; beat++) {
      expect(client.state.kind).toBe("online");
      clock.advance(INTERVAL);
      await turns();
    }
    const retrying = client.state as ConnectionState & { kind: "retrying" };
    expect(retrying).toMatchObject({ kind: "retrying", error: { code: "HEARTBEAT_LOST" } });
    await puppet.ctx.thought("missed");
    puppet.finish("survived");
    clock.advance(retrying.in);
    expect(await job.result()).toBe("survived");
    const thoughts: unknown[] = [];
    for await (const event of job.events) {
      if (event.kind === "thought") thoughts.push(event.body.text);
    }
    expect(thoughts).toEqual(["heard", "missed"]);
    expect(lines).toHaveLength(2);
  });
});
