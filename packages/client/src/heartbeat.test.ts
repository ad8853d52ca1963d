import type { ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import {
  accepted,
  event,
  FEATURES,
  frame,
  HEARTBEAT_INTERVAL,
  reached,
  result,
  ScriptedRuntime,
  sessionError,
} from "../test/scripted-runtime.ts";
import type { Client } from "./index.ts";

const BEATING = ["heartbeat", ...FEATURES];
/** In ms. */
const INTERVAL = HEARTBEAT_INTERVAL * 1000;

/** A client whose session agreed on heartbeats, its connection, and the clock that both use. */
async function beating() {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  return { runtime, clock: runtime.clock, client, wire };
}

/** As many turns of the event loop as a loss takes, and some more. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Advances time in small steps, while the runtime says something at each. */
async function chat(clock: ManualClock, say: () => void): Promise<void> {
  for (let step = 0; step < 15; step++) {
    clock.advance(INTERVAL / 5);
    say();
    await turns();
  }
}

/** Waits until the client has lost the runtime, and reconnects to it. */
async function comeBack(runtime: ScriptedRuntime, client: Client) {
  await runtime.pass(client);
  const wire = await runtime.accept();
  const resume = await wire.next("session.resume");
  wire.welcome("rt_2", BEATING);
  await reached(client, "online");
  return { wire, resume };
}

test("R-6.4-1: a client that has nothing to say pings after one interval, and not before", async () => {
  const { wire, clock, client } = await beating();
  clock.advance(INTERVAL - 1);
  await wire.barrier();
  clock.advance(INTERVAL - 1);
  await wire.barrier();
  clock.advance(INTERVAL);
  const ping = await wire.next("session.ping");
  expect(ping.session_id).toBe(client.session.id);
  expect(ping.event_seq).toBeUndefined();
  expect(ping.payload.sent_at).toBe(new Date(clock.now()).toISOString());
  wire.send(frame("session.pong", { ping_nonce: ping.payload.nonce }));
  await wire.barrier();
  clock.advance(INTERVAL);
  const { payload } = await wire.next("session.ping");
  expect(payload.nonce).not.toBe(ping.payload.nonce);
});

test("R-6.4-1: a client that keeps sending requests still pings when it hears nothing", async () => {
  const { wire, clock, client } = await beating();
  for (let asked = 0; asked < 4; asked++) {
    clock.advance(INTERVAL / 4);
    if (asked === 3) break;
    void client.submit("echo");
    await wire.next("job.submit");
  }
  await wire.next("session.ping");
});

test("R-6.4-7: pongs, events and errors alike are signs of life", async () => {
  const { wire, clock, client } = await beating();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  await submitting;
  let seq = 0;
  await chat(clock, () => wire.send(event(++seq)));
  await chat(clock, () => wire.send(frame("session.pong", { ping_nonce: "?" })));
  await chat(clock, () => wire.send(sessionError("INVALID_REQUEST", "req_?")));
  expect(client.state.kind).toBe("online");
});

test("R-6.4-7: any message, even malformed or unknown, is a sign of life", async () => {
  const { wire, clock, client } = await beating();
  for (const text of ['{"arcp":"1.1","id":"m","type":"x-vendor.a.b","payload":{}}', "?", "{}"]) {
    clock.advance(INTERVAL);
    await wire.next("session.ping");
    clock.advance(INTERVAL - 1);
    wire.send(text);
    await turns();
  }
  expect(client.state.kind).toBe("online");
});

test("R-6.4-3 R-6.4-4 R-6.4-5 R-4.1-11: after two silent intervals, and no less, the client closes, says why, and resumes", async () => {
  const { runtime, wire, clock, client } = await beating();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")), event(1));
  const job = await submitting;
  await wire.barrier();
  clock.advance(INTERVAL);
  await wire.next("session.ping");
  clock.advance(INTERVAL - 1);
  await turns();
  expect(client.state.kind).toBe("online");
  clock.advance(1);
  const { error } = await reached(client, "retrying");
  expect(error).toMatchObject({ name: "ArcpError", code: "HEARTBEAT_LOST" });
  expect(await wire.closed()).toBe("going-away");
  const again = await comeBack(runtime, client);
  expect(again.resume.payload).toMatchObject({ resume_token: "rt_1", last_event_seq: 1 });
  again.wire.send(result(2, "done"));
  expect(await job.result()).toBe("done");
});

test("R-6.4-4: the runtime's own HEARTBEAT_LOST is also the reason of the retry", async () => {
  const { runtime, wire, client } = await beating();
  wire.send(sessionError("HEARTBEAT_LOST"));
  wire.pair.runtime.close("going-away");
  expect((await reached(client, "retrying")).error).toMatchObject({ code: "HEARTBEAT_LOST" });
  await comeBack(runtime, client);
});

test("R-6.4-1: the connection after a resume has its own heartbeat, and the one before has none", async () => {
  const { runtime, wire, clock, client } = await beating();
  wire.pair.sever();
  const again = await comeBack(runtime, client);
  expect(clock.pending).toBe(1);
  clock.advance(INTERVAL);
  await again.wire.next("session.ping");
  clock.advance(INTERVAL);
  expect((await reached(client, "retrying")).error).toMatchObject({ code: "HEARTBEAT_LOST" });
});

test("R-6.2-2: without the feature there are no pings and no losses", async () => {
  for (const [offered, features] of [
    [["heartbeat", "progress"], ["progress"]],
    [["progress"], BEATING],
  ] as const) {
    const runtime = new ScriptedRuntime();
    const { client, wire } = await runtime.online({ features: offered }, features);
    runtime.clock.advance(100 * INTERVAL);
    await wire.barrier();
    expect([client.state.kind, runtime.clock.pending]).toEqual(["online", 0]);
  }
});

test("R-6.4-8: a pong that waits to be read when the second interval ends averts the loss", async () => {
  const { wire, clock, client } = await beating();
  clock.advance(INTERVAL);
  const { payload } = await wire.next("session.ping");
  clock.advance(INTERVAL);
  wire.send(frame("session.pong", { ping_nonce: payload.nonce }));
  await turns();
  expect(client.state.kind).toBe("online");
  clock.advance(0);
  await wire.next("session.ping");
});

test("a closed, ended or aborted client leaves no timer", async () => {
  const first = await beating();
  const closing = first.client.close();
  await first.wire.next("session.close");
  first.wire.send(frame("session.closed", {}));
  await closing;
  expect(first.clock.pending).toBe(0);
  const second = await beating();
  second.wire.send(sessionError("UNAUTHENTICATED"));
  second.wire.pair.runtime.close("refused");
  await reached(second.client, "closed");
  expect(second.clock.pending).toBe(0);
});

test("a heartbeat loss while the goodbye is in flight does not cause a reconnect", async () => {
  const { clock, client } = await beating();
  clock.advance(2 * INTERVAL);
  const closing = client.close();
  clock.advance(1_000);
  await closing;
  expect(client.state).toMatchObject({ kind: "closed", error: { code: "CLOSED" } });
  expect(clock.pending).toBe(0);
});
