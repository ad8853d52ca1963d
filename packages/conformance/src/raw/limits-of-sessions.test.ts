import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { ALICE, BOB, house } from "../../test/raw-house.ts";
import { RawSocket } from "../../test/raw-socket.ts";
import { eventually, settled } from "../../test/stage.ts";

/*
 * The rows of the limits table (docs/guides/limits.md) that bound sessions and connections, each over a plain WebSocket. If a row
 * has no test whose title says `limit NAME:`, the tests in docs/ fail.
 */

const refusal = (reason: string) => ({
  type: "session.error",
  payload: { code: "INTERNAL_ERROR", retryable: true, details: { reason } },
});

test("R-4.1-8, limit openingDeadlineSec: a client that has not opened a session by then is told so, and closed", async () => {
  await using home = await house({ limits: { openingDeadlineSec: 3 } });
  const greeted = await home.greeted();
  const mute = await RawSocket.open(home.url);
  await eventually(() => home.clock.pending === 2);
  home.clock.advance(2_999);
  await greeted.ping("still here");
  expect(mute.received).toEqual([]);
  home.clock.advance(1);
  expect(await mute.closed).toBe(1008);
  expect(mute.received).toMatchObject([
    { type: "session.error", payload: { code: "INVALID_REQUEST" } },
  ]);
  await greeted.ping("and after that");
});

test("R-4.1-8, limit openingBytes: a longer message is refused as too big before the welcome, and not after it", async () => {
  await using home = await house({ limits: { openingBytes: 1_000 } });
  const auth = { scheme: "bearer", token: ALICE };
  const framed = (text: string) =>
    JSON.stringify({ arcp: "1.1", id: "h", type: "session.hello", payload: { auth, text } });
  const rest = 1_000 - Buffer.byteLength(framed(""));
  // It counts bytes: the same number of two-byte characters is too much.
  for (const text of ["x".repeat(rest + 1), "é".repeat(rest)]) {
    const big = await RawSocket.open(home.url);
    big.sendRaw(framed(text));
    expect(await big.closed).toBe(1009);
    expect(big.received).toMatchObject([{ payload: { code: "INVALID_REQUEST" } }]);
  }
  const fits = await RawSocket.open(home.url);
  fits.sendRaw(framed("x".repeat(rest)));
  const welcome = await fits.find(({ type }) => type === "session.welcome");
  fits.session = welcome["session_id"];
  const accepted = await fits.submit("puppet", { input: "x".repeat(2_000) });
  expect(accepted["type"]).toBe("job.accepted");
});

test("R-4.1-8, limit opening size: far more is refused before all of it is there, and a large hello is not", async () => {
  const token = "t".repeat(16 * 1024);
  await using home = await house({ auth: (said) => (said === token ? "alice" : undefined) });
  const big = await RawSocket.open(home.url);
  big.sendRaw("x".repeat(4 * 1024 * 1024));
  expect(await big.closed).toBe(1009);
  expect(big.received).toMatchObject([
    { type: "session.error", payload: { code: "INVALID_REQUEST" } },
  ]);
  expect(big.received[0]?.["payload"].message).toContain("at most 131072 bytes");

  const first = await home.greeted(["subscribe", "list_jobs", "ack"], token);
  await home.left(first);
  const back = await RawSocket.open(home.url);
  const resume = { session_id: first.session, resume_token: first.token, last_event_seq: 0 };
  const capabilities = { encodings: ["json"], features: ["subscribe", "list_jobs", "ack"] };
  const client = { name: "x".repeat(30 * 1024), version: "1.0.0" };
  const auth = { scheme: "bearer", token };
  back.send("session.hello", { auth, resume, capabilities, client });
  const welcome = await back.find(({ type }) => type !== "session.ping");
  expect(welcome).toMatchObject({ type: "session.welcome", session_id: first.session });
});

test("R-4.1-8, limit opening size: what follows a hello waits until that has been accepted, and then is handled", async () => {
  const answer = Promise.withResolvers<string>();
  await using home = await house({ auth: () => answer.promise });
  const raw = await RawSocket.open(home.url);
  raw.send("session.hello", { auth: { scheme: "bearer", token: "t" } });
  const large = { nonce: "n", text: "x".repeat(1024 * 1024) };
  for (let i = 0; i < 20; i++) raw.send("session.ping", large);
  answer.resolve("alice");
  await expect
    .poll(() => raw.received.filter(({ type }) => type === "session.pong").length)
    .toBe(20);
});

test("limit openings: while so many have no session yet, others are sent away for now, and sessions live on", async () => {
  await using home = await house({ listening: { maxOpenings: 2 } });
  const greeted = await home.greeted();
  const [mute, other] = [await RawSocket.open(home.url), await RawSocket.open(home.url)];
  await expect(RawSocket.open(home.url)).rejects.toThrow("503");
  await expect(connect(dial(home.url), { token: ALICE })).rejects.toMatchObject({
    code: "TRANSPORT_CLOSED",
    retryable: true,
  });
  await greeted.ping("in the middle of it");
  await other.hello(ALICE);
  const third = await home.greeted();
  await third.ping("and after that");
  await mute.leave();
});

test("R-6.1-6, limit failedLoginsPerMinute: beyond it a source is refused unheard for the rest of the minute, others are not", async () => {
  const heard: string[] = [];
  await using home = await house({
    limits: { failedLoginsPerMinute: 3 },
    auth: (token) => {
      heard.push(token);
      return token === ALICE ? "alice" : undefined;
    },
  });
  const login = async (bearer: string) => {
    const raw = await RawSocket.open(home.url);
    const { payload } = await raw.hello(bearer);
    if (payload.code !== undefined) expect(await raw.closed).toBe(1008);
    return payload;
  };
  home.from("192.0.2.1");
  // A successful login neither counts nor makes up for a failed one.
  for (const bearer of ["a", ALICE, "b", ALICE]) await login(bearer);
  expect(await login("c")).toEqual({
    code: "UNAUTHENTICATED",
    message: expect.any(String),
    retryable: false,
    request_id: "req_1",
  });
  heard.length = 0;
  home.clock.advance(20_000);
  for (const bearer of ["d", ALICE]) {
    expect(await login(bearer)).toMatchObject({
      code: "UNAUTHENTICATED",
      retryable: true,
      details: { reason: "failed_logins_per_minute", retry_after_sec: 40 },
    });
  }
  expect(heard).toEqual([]);
  home.from("192.0.2.2");
  expect(await login(ALICE)).toHaveProperty("resume_token");
  // One machine has a whole /64.
  for (const host of ["::1", "::2", ":aaaa::3"]) {
    home.from(`2001:db8:0:7${host}`);
    await login("wrong");
  }
  home.from("2001:db8:0:7:8000::9");
  expect(await login(ALICE)).toHaveProperty("code", "UNAUTHENTICATED");
  home.from("2001:db8:0:8::1");
  expect(await login(ALICE)).toHaveProperty("resume_token");
  home.from("");
  for (let i = 0; i < 5; i++) await login("wrong");
  expect(await login(ALICE)).toHaveProperty("resume_token");
  home.from("192.0.2.1");
  home.clock.advance(40_000);
  expect(await login(ALICE)).toHaveProperty("resume_token");
});

test("R-6.1-6, limit failedLoginsPerMinute: many connections at once get no more guesses", async () => {
  let heard = 0;
  const verdict = Promise.withResolvers<void>();
  await using home = await house({
    limits: { failedLoginsPerMinute: 4 },
    auth: async (token) => {
      heard += 1;
      await verdict.promise;
      return token === BOB ? "bob" : undefined;
    },
  });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => RawSocket.open(home.url)));
  const guesses = sockets.map(async (raw, i) => (await raw.hello(`guess ${i}`))["payload"]);
  await eventually(() => heard >= 4);
  for (let i = 0; i < 5; i++) await settled();
  expect(heard).toBe(4);
  verdict.resolve();
  const answers = await Promise.all(guesses);
  expect(heard).toBe(4);
  expect(answers.filter(({ details }) => details !== undefined)).toHaveLength(16);
});

test("R-14-1, limit connectedSessionsPerPrincipal: one more is refused, even a resume; a takeover and others are not", async () => {
  await using home = await house({ limits: { connectedSessionsPerPrincipal: 2 } });
  const parked = await home.greeted();
  await home.left(parked);
  const first = await home.greeted();
  const second = await home.greeted();
  const third = await RawSocket.open(home.url);
  expect(await third.hello(ALICE)).toMatchObject(refusal("connected_sessions_per_principal"));
  expect(await third.closed).toBe(1008);
  const resuming = await RawSocket.open(home.url);
  expect(await resuming.resume(parked, ALICE)).toMatchObject(
    refusal("connected_sessions_per_principal"),
  );
  const taking = await RawSocket.open(home.url);
  expect(await taking.resume(first, ALICE)).toHaveProperty("type", "session.welcome");
  expect(await first.closed).toBe(1008);
  await home.greeted([], BOB);
  await home.left(second);
  // It was refused and not forgotten.
  const again = await RawSocket.open(home.url);
  expect(await again.resume(parked, ALICE)).toHaveProperty("session_id", parked.session);
  await taking.ping("unharmed");
});

test("R-14-1, limit connectedSessionsPerPrincipal: simultaneous handshakes count each other", async () => {
  const verdict = Promise.withResolvers<void>();
  let heard = 0;
  await using home = await house({
    limits: { connectedSessionsPerPrincipal: 3 },
    auth: async () => {
      heard += 1;
      await verdict.promise;
      return "alice";
    },
  });
  const sockets = await Promise.all(Array.from({ length: 10 }, () => RawSocket.open(home.url)));
  const answers = sockets.map((socket) => socket.hello(ALICE));
  await eventually(() => heard === 10);
  verdict.resolve();
  const types = (await Promise.all(answers)).map(({ type }) => type);
  expect(types.filter((type) => type === "session.welcome")).toHaveLength(3);
});

test("R-14-1, limit sessionsPerPrincipal: a new one replaces the one that was parked longest and has no running job", async () => {
  await using home = await house({ limits: { sessionsPerPrincipal: 3 } });
  const busy = await home.greeted();
  await busy.submit("puppet");
  const puppet = await home.puppets.next();
  const late = await home.greeted();
  const early = await home.greeted();
  await home.left(busy);
  await home.left(early);
  await home.left(late);
  const resume = async (session: RawSocket) => {
    const raw = await RawSocket.open(home.url);
    const { type, payload } = await raw.resume(session, ALICE);
    return { raw, told: type === "session.welcome" ? type : payload.code };
  };
  const fresh = await home.greeted();
  expect(await resume(early)).toMatchObject({ told: "RESUME_WINDOW_EXPIRED" });
  const { raw: lateAgain, told } = await resume(late);
  expect(told).toBe("session.welcome");
  expect(await resume(busy)).toMatchObject({ told: "session.welcome" });
  // All three are connected: none can be replaced.
  const fourth = await RawSocket.open(home.url);
  expect(await fourth.hello(ALICE)).toMatchObject(refusal("sessions_per_principal"));
  expect(await RawSocket.greeted(home.url, BOB)).toHaveProperty("session");
  for (const socket of [fresh, lateAgain]) await socket.ping("unharmed");
  puppet.finish();
});

test("R-14-1, limit idleSec: a client that sends only heartbeats is sent away and may return, a running job's owner is not", async () => {
  await using home = await house({ limits: { idleSec: 100, heartbeatIntervalSec: 1_000 } });
  const idle = await home.greeted();
  const owner = await home.greeted();
  const { job_id: job } = await owner.submit("puppet");
  const puppet = await home.puppets.next();
  const active = await home.greeted(["list_jobs"]);
  const watcher = await home.greeted(["subscribe"]);
  await watcher.request("job.subscribe", { job_id: job });
  for (let i = 0; i < 4; i++) {
    await active.request("session.list_jobs", {});
    await puppet.ctx.thought(`${i}`);
    await watcher.find(({ payload }) => payload.body?.text === `${i}`);
    if (i < 2) await idle.ping(`${i}`);
    home.clock.advance(100_000);
  }
  expect(await idle.closed).toBe(1001);
  expect(idle.received.at(-1)).toMatchObject({ type: "session.closed" });
  for (const socket of [owner, active, watcher]) await socket.ping("here");
  const back = await RawSocket.open(home.url);
  expect(await back.resume(idle, ALICE)).toHaveProperty("session_id", idle.session);
});

test("R-6.3-11, limit resumeWindowSec: until then a session can be resumed, and no longer", async () => {
  await using home = await house({ limits: { resumeWindowSec: 60 } });
  const gone = await home.greeted();
  await home.left(gone);
  home.clock.advance(59_999);
  const back = await RawSocket.open(home.url);
  expect(await back.resume(gone, ALICE)).toMatchObject({ payload: { resume_window_sec: 60 } });
  await home.left(back);
  home.clock.advance(60_000);
  const late = await RawSocket.open(home.url);
  expect(await late.resume(back, ALICE)).toMatchObject({
    payload: { code: "RESUME_WINDOW_EXPIRED" },
  });
  expect(await late.closed).toBe(1008);
});

test("R-6.4-4, limit heartbeatIntervalSec: a client that is silent for twice as long is lost", async () => {
  await using home = await house({ limits: { heartbeatIntervalSec: 20 } });
  const mute = await RawSocket.open(home.url);
  const welcome = await mute.hello(ALICE, ["heartbeat"]);
  expect(welcome["payload"].heartbeat_interval_sec).toBe(20);
  home.clock.advance(20_000);
  await mute.find(({ type }) => type === "session.ping");
  // A timer that fires reads what has arrived before it decides.
  for (let i = 0; i < 4; i++) {
    home.clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await mute.closed).toBe(1001);
  expect(mute.received.at(-1)).toMatchObject({ payload: { code: "HEARTBEAT_LOST" } });
});
