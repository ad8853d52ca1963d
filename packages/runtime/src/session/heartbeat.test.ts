import { linkedPair, newMessageId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { createRuntime } from "../runtime.ts";

const BEATING = ["heartbeat", ...ALL_FEATURES];
/** In ms. */
const INTERVAL = 20_000;
const AUTH = { scheme: "bearer", token: "secret" };

function beating(options: Parameters<typeof hosting>[0] = {}) {
  return hosting({ limits: { heartbeatIntervalSec: INTERVAL / 1000 }, ...options });
}

const pings = (viewer: Viewer): Frame[] =>
  viewer.frames.filter(({ type }) => type === "session.ping");

/** More turns of the event loop than a loss takes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

test("R-6.2-2: the welcome has the interval exactly if heartbeats are negotiated, 30 s by default", async () => {
  for (const [runtime, features, interval] of [
    [beating().runtime, BEATING, 20],
    [hosting().runtime, BEATING, 30],
    [beating().runtime, ALL_FEATURES, undefined],
  ] as const) {
    const { payload } = await new Viewer(runtime).hello(features);
    expect(payload.heartbeat_interval_sec).toBe(interval);
    expect(payload.capabilities.features.includes("heartbeat")).toBe(interval !== undefined);
  }
});

test("an interval is a whole number of seconds", () => {
  for (const heartbeatIntervalSec of [0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const create = () =>
      createRuntime({ agents: [], auth: () => "alice", limits: { heartbeatIntervalSec } });
    expect(create).toThrow("limits: heartbeatIntervalSec must be a whole number");
  }
});

test("R-6.2-2: without the feature there are no pings and no losses", async () => {
  const { runtime, clock } = beating();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  await settled();
  clock.advance(100 * INTERVAL);
  await turns();
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  viewer.send("session.ping", { nonce: "n" });
  await viewer.find(({ type }) => type === "session.pong");
});

test("R-6.4-1: what the runtime sends postpones its ping, but not beyond an interval in which it receives nothing", async () => {
  const { runtime, clock, start } = beating();
  const viewer = new Viewer(runtime);
  await viewer.hello(BEATING);
  const { ctx } = await start(viewer);
  for (let step = 1; step < 10; step++) {
    clock.advance(INTERVAL / 10);
    await ctx.log.info("still there");
    await settled();
  }
  clock.advance(INTERVAL / 10 - 1);
  await settled();
  expect(pings(viewer)).toEqual([]);
  clock.advance(1);
  await settled();
  expect(pings(viewer)).toMatchObject([
    { payload: { sent_at: new Date(clock.now()).toISOString() } },
  ]);
  viewer.send("session.ack", { last_processed_seq: 1 });
  await settled();
  // It has just received something, but sent nothing since the ping.
  clock.advance(INTERVAL - 1);
  await settled();
  expect(pings(viewer)).toHaveLength(1);
  clock.advance(1);
  await settled();
  expect(pings(viewer)).toHaveLength(2);
});

test("R-6.4-4 R-6.4-5: after two silent intervals an error follows what was sent before, and the jobs go on", async () => {
  const { runtime, clock, start } = beating();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(BEATING);
  const job = await start(viewer);
  await settled();
  clock.advance(2 * INTERVAL - 1);
  await turns();
  expect(viewer.frames.some(({ type }) => type === "session.error")).toBe(false);
  clock.advance(1);
  expect(await viewer.ended).toMatchObject({ reason: "going-away" });
  const last = viewer.frames.at(-1);
  expect(last).toMatchObject({ type: "session.error", session_id: welcome.session_id });
  expect(last?.payload).toMatchObject({ code: "HEARTBEAT_LOST", retryable: true });
  expect(last?.payload.request_id).toBeUndefined();
  expect(job.ctx.signal.aborted).toBe(false);
  await job.ctx.log.info("unheard");
  // The window begins with the loss.
  clock.advance(599_000);
  await settled();
  const again = new Viewer(runtime);
  expect(await again.resume(welcome, 1)).toMatchObject({
    type: "session.welcome",
    payload: { heartbeat_interval_sec: 20 },
  });
  job.end("done");
  await again.terminal(job.id);
  expect(again.seqs).toEqual([2, 3]);
});

test("R-6.4-6: pings on a lost connection are not replayed", async () => {
  const { runtime, clock } = beating();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(BEATING);
  clock.advance(INTERVAL);
  await settled();
  viewer.sever();
  await settled();
  // The session's window, and the watch for idle connections.
  expect(clock.pending).toBe(2);
  const again = new Viewer(runtime);
  await again.resume(welcome, 0);
  await settled();
  expect(pings(viewer)).toHaveLength(1);
  expect(again.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
});

test("R-6.4-8: a message that waits to be read when the second interval ends averts the loss", async () => {
  const { runtime, clock } = beating();
  const viewer = new Viewer(runtime);
  await viewer.hello(BEATING);
  await settled();
  clock.advance(2 * INTERVAL);
  viewer.send("session.pong", { ping_nonce: "late" });
  await turns();
  clock.advance(INTERVAL);
  await turns();
  expect(viewer.frames.map(({ type }) => type)).toEqual([
    "session.welcome",
    "session.ping",
    "session.ping",
  ]);
});

test("R-6.4-7: a client that the runtime does not read because of its own back-pressure is not lost", async () => {
  const { runtime, clock } = beating();
  const pair = linkedPair({ highWaterMark: 1000 });
  runtime.serve(pair.runtime);
  const say = (type: string, payload: object) =>
    JSON.stringify({ arcp: "1.1", id: newMessageId("req_"), type, payload });
  const hello = say("session.hello", { auth: AUTH, capabilities: { features: BEATING } });
  // Pongs that nobody reads, more than a connection queues before it stops reading.
  const asked = Array.from({ length: 9_000 }, () =>
    say("session.ping", { nonce: "n".repeat(128) }),
  );
  pair.client.send([hello, ...asked]).catch(() => {});
  // Until the connection stops reading, for each turn reads only a few.
  await settled(500);
  for (let beat = 0; beat < 6; beat++) {
    clock.advance(INTERVAL);
    await turns();
  }
  const got = new Map<string, number>();
  for await (const frame of pair.client.frames) {
    const { type } = JSON.parse(frame) as Frame;
    got.set(type, (got.get(type) ?? 0) + 1);
    if (got.get("session.pong") === asked.length) break;
  }
  expect([...got.keys()].sort()).toEqual(["session.ping", "session.pong", "session.welcome"]);
});

test("no timer is left behind, however the connection ends", async () => {
  const timersAfter = async (end: string, features: readonly string[]): Promise<number> => {
    const { runtime, clock } = beating();
    const viewer = new Viewer(runtime);
    const welcome = await viewer.hello(features);
    const other = new Viewer(runtime);
    const another = await other.hello(ALL_FEATURES);
    if (end === "sever") viewer.sever();
    if (end === "close") viewer.send("session.close", {});
    if (end === "shut down") await runtime.close();
    if (end === "replace") await new Viewer(runtime).resume(welcome, 0);
    if (end === "move") {
      other.sever();
      await settled();
      const { resume_token } = another.payload;
      viewer.send("session.resume", { resume_token, last_event_seq: 0 });
      await viewer.find(({ session_id }) => session_id === another.session_id);
    }
    await settled();
    return clock.pending;
  };
  const added: Array<[end: string, timers: number]> = [];
  for (const end of ["stay", "sever", "close", "shut down", "replace", "move"]) {
    added.push([end, (await timersAfter(end, BEATING)) - (await timersAfter(end, ALL_FEATURES))]);
  }
  expect(added).toEqual([
    ["stay", 1],
    ["sever", 0],
    ["close", 0],
    ["shut down", 0],
    // The heartbeat of the new connection alone.
    ["replace", 1],
    // To a session without heartbeats.
    ["move", 0],
  ]);
});
