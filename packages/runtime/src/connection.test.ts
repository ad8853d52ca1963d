import { linkedPair, newMessageId, type Transport } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { dense, hosting } from "../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";

const AUTH = { scheme: "bearer", token: "secret" };
const text = (type: string, payload: object) =>
  JSON.stringify({ arcp: "1.1", id: newMessageId("req_"), type, payload });

/** A connection whose client does not read yet, with events waiting for it in a pending send. */
async function stalled() {
  const chatty = defineAgent({
    name: "chatty",
    async run(ctx) {
      for (let i = 0; i < 100; i++) await ctx.log.info("x".repeat(100));
      return new Promise(() => {});
    },
  });
  const rig = hosting({ agents: [chatty] });
  const viewer = new Viewer(rig.runtime, { highWaterMark: 1000, read: false });
  viewer.send("session.hello", { auth: AUTH, capabilities: { features: ALL_FEATURES } });
  viewer.send("job.submit", { agent: "chatty" });
  await settled();
  return { ...rig, viewer };
}

test("R-6.7-1: session.closed follows a pending send, then the connection ends normally", async () => {
  const { viewer } = await stalled();
  const id = viewer.send("session.close", { reason: "done" });
  await settled();
  expect(await viewer.read()).toBe("closed");
  expect(viewer.frames.at(-1)).toMatchObject({
    type: "session.closed",
    payload: { request_id: id, reason: "done" },
  });
});

test("R-6.7-5: what arrives after a close is ignored, and does not cut its reply short", async () => {
  const { viewer } = await stalled();
  viewer.send("session.close", {});
  viewer.send("job.submit", { agent: "chatty" });
  await settled();
  viewer.send("session.ping", { nonce: "late", sent_at: new Date(0).toISOString() });
  await settled();
  expect(await viewer.read()).toBe("closed");
  expect(viewer.frames.at(-1)?.type).toBe("session.closed");
  expect(viewer.frames.filter(({ type }) => type === "job.accepted")).toHaveLength(1);
});

test("R-6.7-6: a runtime that shuts down says so behind a pending send, whatever still arrives", async () => {
  const { runtime, viewer } = await stalled();
  void runtime.close();
  await settled(2);
  viewer.send("session.ping", { nonce: "late", sent_at: new Date(0).toISOString() });
  await settled();
  expect(await viewer.read()).toMatchObject({ reason: "going-away" });
  expect(viewer.frames.at(-1)?.type).toBe("session.closed");
});

/** A transport on which every send waits for the test. */
function slow(inner: Transport) {
  const sends: Array<() => void> = [];
  const transport: Transport = {
    frames: inner.frames,
    async send(frames) {
      await inner.send(frames);
      await new Promise<void>((resolve) => sends.push(resolve));
    },
    close: (reason) => inner.close(reason),
  };
  return { transport, sends };
}

test("R-4.1-11: a refused connection is closed as refused, however long its error takes to leave", async () => {
  const { runtime } = hosting();
  const pair = linkedPair();
  const { transport, sends } = slow(pair.runtime);
  runtime.serve(transport);
  await pair.client.send([text("session.hello", { auth: { scheme: "bearer", token: "wrong" } })]);
  await settled();
  expect(sends).toHaveLength(1);
  for (const send of sends) send();
  const got: string[] = [];
  const reading = (async () => {
    for await (const frame of pair.client.frames) got.push((JSON.parse(frame) as Frame).type);
  })();
  await expect(reading).rejects.toMatchObject({ reason: "refused" });
  expect(got).toEqual(["session.error"]);
});

test("R-5.3-2: a first message that opens no session, or cannot be read, is refused", async () => {
  const { runtime } = hosting();
  const first = [
    text("session.ping", { nonce: "a", sent_at: new Date(0).toISOString() }),
    text("job.submit", { agent: "led" }),
    "no JSON",
    "[]",
    text("session.hello", { auth: "none" }),
  ];
  for (const frame of first) {
    const pair = linkedPair();
    runtime.serve(pair.runtime);
    await pair.client.send([frame, text("session.hello", { auth: AUTH })]);
    const got: Frame[] = [];
    const reading = (async () => {
      for await (const answer of pair.client.frames) got.push(JSON.parse(answer) as Frame);
    })();
    await expect(reading).rejects.toMatchObject({ reason: "refused" });
    expect(got.map(({ type }) => type)).toEqual(["session.error"]);
    expect(got[0]?.payload.code).toBe("INVALID_REQUEST");
  }
});

test("R-4.1-8: what may arrive before the welcome is limited in bytes", async () => {
  const hello = (name: string) => ({ auth: AUTH, client: { name } });
  const size = (name: string) => Buffer.byteLength(text("session.hello", hello(name)));
  const { runtime } = hosting({ limits: { openingBytes: size("éé") } });
  const [fits, exceeds] = [new Viewer(runtime), new Viewer(runtime)];
  fits.send("session.hello", hello("éé"));
  expect((await fits.find(() => true)).type).toBe("session.welcome");
  exceeds.send("session.hello", hello("ééé"));
  expect(await exceeds.ended).toMatchObject({ reason: "too-big" });
  expect(exceeds.frames.map(({ payload }) => payload.code)).toEqual(["INVALID_REQUEST"]);
});

test("R-4.1-8: a connection that opens no session within ten seconds is told so and closed", async () => {
  const { runtime, clock } = hosting();
  const viewer = new Viewer(runtime);
  await settled();
  clock.advance(9999);
  await settled();
  expect(viewer.frames).toEqual([]);
  clock.advance(1);
  expect(await viewer.ended).toMatchObject({ reason: "refused" });
  expect(viewer.frames.map(({ payload }) => payload.code)).toEqual(["INVALID_REQUEST"]);
  expect(clock.pending).toBe(0);
});

test("R-4.1-8: a token check that outlasts the deadline opens no connection, and its session eventually ends", async () => {
  const checked = Promise.withResolvers<string>();
  const { runtime, clock } = hosting({ auth: () => checked.promise });
  const viewer = new Viewer(runtime);
  const hello = viewer.send("session.hello", { auth: AUTH });
  await settled();
  clock.advance(10_000);
  await settled();
  checked.resolve("alice");
  await settled();
  // The client did its part: it is told that it may ask again (R-5.4-1).
  expect(viewer.frames.map(({ type, payload }) => ({ type, payload }))).toMatchObject([
    { type: "session.error", payload: { code: "INTERNAL_ERROR", request_id: hello } },
  ]);
  // Nobody has its token: it is parked until its window ends.
  expect(clock.pending).toBe(1);
  clock.advance(600_000);
  expect(clock.pending).toBe(0);
});

test("R-4.1-8: a client is known as soon as it is welcomed, however slowly it reads the much that it missed", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const patterns = Array.from({ length: 500 }, (_, i) => `/srv/${i}/${"x".repeat(100)}/**`);
  const { end } = await start(viewer);
  for (let i = 0; i < 50; i++) {
    await viewer.submit("led", null, { lease_request: { "fs.read": patterns } });
  }
  end("x".repeat(3 * 1024 * 1024));
  await settled();
  viewer.sever();
  await settled();
  // All acceptances, or hardly more than a large result.
  for (const after of [0, 50]) {
    const sent: string[] = [];
    let asked = 0;
    const resume = {
      auth: AUTH,
      resume_token: welcome.payload.resume_token,
      last_event_seq: after,
      capabilities: { features: ALL_FEATURES },
    };
    const next = async (): Promise<IteratorResult<string, undefined>> => {
      asked += 1;
      if (asked > 1) return new Promise(() => {});
      return { done: false, value: text("session.resume", resume) };
    };
    runtime.serve({
      frames: { [Symbol.asyncIterator]: () => ({ next }) },
      send(frames) {
        sent.push(...frames);
        return new Promise(() => {});
      },
      close: () => {},
    });
    await settled();
    expect(JSON.parse(sent[0] ?? "{}")).toMatchObject({ type: "session.welcome" });
    // By that a transport knows that there is a session now.
    expect(asked).toBe(2);
  }
});

test("R-4-2: a ping is answered while the store holds up a submit", async () => {
  const { runtime, store } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  store.held.jobs.hold();
  const id = viewer.send("job.submit", { agent: "led" });
  viewer.send("session.ping", { nonce: "now", sent_at: new Date(0).toISOString() });
  await viewer.find(({ payload }) => payload.ping_nonce === "now");
  expect(viewer.frames.some(({ payload }) => payload.request_id === id)).toBe(false);
  await store.held.jobs.open();
  await viewer.reply(id);
});

test("R-6.3-3: a resume after a hello moves the connection, and the fresh session is forgotten", async () => {
  const { runtime, start, clock } = hosting();
  const first = new Viewer(runtime);
  const old = await first.hello();
  const job = await start(first);
  await settled();
  first.sever();
  await job.ctx.log.info("missed");
  await settled();
  const second = new Viewer(runtime);
  const fresh = await second.hello();
  second.send("session.resume", { resume_token: old.payload.resume_token, last_event_seq: 1 });
  const again = await second.find(({ session_id }) => session_id === old.session_id);
  expect(again.type).toBe("session.welcome");
  await settled();
  expect(second.seqs).toEqual([2]);
  const third = new Viewer(runtime);
  expect((await third.resume(fresh, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  await third.ended;
  // The second connection's opening deadline, which it met, has no effect. The watch for idle connections remains.
  clock.advance(10_000);
  expect(clock.pending).toBe(1);
});

test("R-6.3-3, R-14-1: a fresh session that cannot be forgotten neither blocks the resumed one nor keeps its place", async () => {
  const { runtime, store } = hosting({ limits: { connectedSessionsPerPrincipal: 2 } });
  const first = new Viewer(runtime);
  const old = await first.hello();
  first.sever();
  await settled();
  store.sessions.forget = () => Promise.reject(new Error("the disk is full"));
  const second = new Viewer(runtime);
  await second.hello();
  second.send("session.resume", { resume_token: old.payload.resume_token, last_event_seq: 0 });
  const again = await second.find(({ session_id }) => session_id === old.session_id);
  expect(again.type).toBe("session.welcome");
  await settled();
  second.sever();
  await settled();
  for (let i = 0; i < 2; i++)
    expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
});

test.each([
  { rule: "R-5.1-2", rest: { arcp: "2.0" }, capabilities: {} },
  { rule: "R-6.2-6", rest: {}, capabilities: { encodings: ["cbor"] } },
])(
  "$rule, R-6.3-3: a resume after a hello is refused just like one that comes first",
  async ({ rest, capabilities }) => {
    const { runtime } = hosting();
    const first = new Viewer(runtime);
    const old = await first.hello();
    const { resume_token } = old.payload;
    const second = new Viewer(runtime);
    await second.hello();
    const request = second.send("session.resume", { resume_token, capabilities }, rest);
    expect((await second.reply(request)).payload.code).toBe("INVALID_REQUEST");
    expect(await second.ended).toMatchObject({ reason: "refused" });
    await settled();
    // The fresh session is gone, and the requested one is as it was.
    expect(runtime.sessions.list().map(({ id }) => id)).toEqual([old.session_id]);
    first.send("session.ping", { nonce: "here", sent_at: new Date(0).toISOString() });
    await first.find(({ payload }) => payload.ping_nonce === "here");
  },
);

test("R-6.3-3: a resume of the session that the hello just opened is welcomed, and the session lives", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  viewer.send("session.resume", { resume_token: welcome.payload.resume_token, last_event_seq: 0 });
  await settled();
  expect(viewer.frames.map(({ type, session_id }) => [type, session_id])).toEqual([
    ["session.welcome", welcome.session_id],
    ["session.welcome", welcome.session_id],
  ]);
  const job = await start(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  const moved = viewer.frames[1] as Frame;
  viewer.sever();
  const again = new Viewer(runtime);
  expect((await again.resume(moved, 0)).type).toBe("session.welcome");
  await settled();
  expect(again.seqs).toEqual(dense(2));
});

/** A client that leaves its fresh session for another one, and a second client that resumes the fresh one meanwhile. */
async function crossing() {
  const rig = hosting();
  const { runtime, store } = rig;
  const first = new Viewer(runtime);
  const old = await first.hello();
  first.sever();
  await settled();
  const second = new Viewer(runtime);
  const fresh = await second.hello();
  const { claim } = store.sessions;
  const answer = Promise.withResolvers<void>();
  store.sessions.claim = async (session, ...rest) => {
    if (session === old.session_id) await answer.promise;
    return claim(session, ...rest);
  };
  second.send("session.resume", { resume_token: old.payload.resume_token, last_event_seq: 0 });
  await settled();
  const third = new Viewer(runtime);
  const welcome = await third.resume(fresh, 0);
  expect(welcome).toMatchObject({ type: "session.welcome", session_id: fresh.session_id });
  return { ...rig, old, second, third, welcome, answer };
}

test("R-6.3-3, R-7.3-3: a fresh session that somebody resumed while its client went on to another is not forgotten", async () => {
  const { runtime, start, old, second, third, welcome, answer } = await crossing();
  answer.resolve();
  await second.find(({ session_id }) => session_id === old.session_id);
  await settled();
  const job = await start(third);
  job.end("done");
  await third.terminal(job.id);
  third.sever();
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, 0)).type).toBe("session.welcome");
  await settled();
  expect(again.seqs).toEqual(dense(2));
});

test("R-6.3-3, R-6.3-11: a resume that fails ends no session that somebody else resumed meanwhile", async () => {
  const { runtime, start, clock, second, third, answer } = await crossing();
  answer.reject(new Error("the disk is full"));
  expect(await second.ended).toMatchObject({ reason: "fault" });
  clock.advance(601_000);
  await settled();
  expect(runtime.sessions.list()).toMatchObject([{ connected: true }]);
  const job = await start(third);
  job.end("done");
  await third.terminal(job.id);
});

test("R-5.4-4, R-6.3-3: what was asked in a fresh session is answered before the connection moves to another", async () => {
  const { runtime, store } = hosting();
  const first = new Viewer(runtime);
  const old = await first.hello();
  first.sever();
  const second = new Viewer(runtime);
  await second.hello();
  store.held.jobs.hold();
  const cancel = second.send("job.cancel", { job_id: "job_unknown" });
  const subscribe = second.send("job.subscribe", { job_id: "job_unknown", history: true });
  second.send("session.resume", { resume_token: old.payload.resume_token, last_event_seq: 0 });
  await settled();
  await store.held.jobs.open();
  await second.find(({ session_id }) => session_id === old.session_id);
  const answered = second.frames.map(({ payload }) => payload.request_id);
  expect(answered).toContain(cancel);
  expect(answered).toContain(subscribe);
  expect(second.frames.at(-1)?.type).toBe("session.welcome");
});

test("R-4-2, R-6.3-3: a fresh session with an unanswered request is not left for another, and pings go on", async () => {
  const { runtime, store, clock } = hosting();
  const first = new Viewer(runtime);
  const old = await first.hello();
  first.sever();
  const second = new Viewer(runtime);
  await second.hello();
  const { get } = store.jobs;
  const answer = Promise.withResolvers<void>();
  store.jobs.get = async (id) => {
    await answer.promise;
    return get(id);
  };
  const subscribe = second.send("job.subscribe", { job_id: "job_unknown" });
  const { resume_token } = old.payload;
  const resume = second.send("session.resume", { resume_token, last_event_seq: 0 });
  second.send("session.ping", { nonce: "still there", sent_at: new Date(0).toISOString() });
  await settled();
  clock.advance(1_000);
  await settled();
  expect((await second.reply(resume)).payload.code).toBe("INVALID_REQUEST");
  expect(second.frames.at(-1)?.payload.ping_nonce).toBe("still there");
  answer.resolve();
  expect((await second.reply(subscribe)).payload.code).toBe("JOB_NOT_FOUND");
  // The requested session is as it was.
  const third = new Viewer(runtime);
  expect((await third.resume(old, 0)).type).toBe("session.welcome");
});

test("R-6.3-3: a fresh session that is about to follow a job is not left for another", async () => {
  const { runtime, start, store } = hosting();
  const first = new Viewer(runtime);
  const old = await first.hello();
  const job = await start(first);
  const second = new Viewer(runtime);
  await second.hello();
  store.held.jobs.hold();
  const subscribe = second.send("job.subscribe", { job_id: job.id, history: true });
  const resume = second.send("session.resume", {
    resume_token: old.payload.resume_token,
    last_event_seq: 0,
  });
  await settled();
  await store.held.jobs.open();
  expect((await second.reply(subscribe)).type).toBe("job.subscribed");
  expect((await second.reply(resume)).payload.code).toBe("INVALID_REQUEST");
  await job.ctx.log.info("both watch");
  await settled();
  expect(first.seqs).toEqual(second.seqs);
});

test.each([true, false])(
  "R-5.4-1, R-6.3-5: a window that ends while the store is asked is refused like any other (after a hello: %s)",
  async (behind) => {
    const { runtime, store, clock } = hosting();
    const first = new Viewer(runtime);
    const old = await first.hello();
    first.sever();
    await settled();
    clock.advance(599_000);
    const second = new Viewer(runtime);
    const fresh = behind ? await second.hello() : undefined;
    const { claim } = store.sessions;
    const answer = Promise.withResolvers<void>();
    store.sessions.claim = async (...claimed) => {
      const outcome = await claim(...claimed);
      await answer.promise;
      return outcome;
    };
    const { resume_token } = old.payload;
    const request = second.send("session.resume", { auth: AUTH, resume_token, last_event_seq: 0 });
    await settled();
    clock.advance(2_000);
    await settled();
    answer.resolve();
    expect(await second.ended).toMatchObject({ reason: "refused" });
    const refusal = second.frames.at(-1);
    expect(refusal).toMatchObject({
      type: "session.error",
      payload: { code: "RESUME_WINDOW_EXPIRED", request_id: request },
    });
    expect(refusal?.session_id).not.toBe(old.session_id);
    if (fresh !== undefined) expect(refusal?.session_id).toBe(fresh.session_id);
  },
);

test("R-4.1-11: if the store fails a resume after a hello, the connection ends with an error and leaves no session", async () => {
  const { runtime, store, clock } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  store.sessions.findByToken = () => Promise.reject(new Error("io"));
  viewer.send("session.resume", { resume_token: "rt_x", last_event_seq: 0 });
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
  expect(viewer.frames.at(-1)).toMatchObject({
    type: "session.error",
    session_id: welcome.session_id,
    payload: { code: "INTERNAL_ERROR" },
  });
  await settled();
  let forgotten: unknown;
  const { forget } = store.sessions;
  store.sessions.forget = (id) => {
    forgotten = id;
    return forget(id);
  };
  // The session's window, and the watch for idle connections.
  expect(clock.pending).toBe(2);
  clock.advance(600_000);
  await settled(1);
  expect(forgotten).toBe(welcome.session_id);
});

test("R-5.1-5: a message for another session is rejected and has no effect", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  const id = viewer.send("job.cancel", { job_id: job.id }, { session_id: "sess_another" });
  expect((await viewer.reply(id)).payload.code).toBe("INVALID_REQUEST");
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
});

test("R-5.3-4: an unknown vendor message is dropped if it is marked optional, and rejected otherwise", async () => {
  const { runtime } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  viewer.send("x-vendor.acme.hint", {}, { extensions: { optional: true } });
  const second = viewer.send("x-vendor.acme.order", {});
  const third = viewer.send("session.unheard_of", {}, { extensions: { optional: true } });
  for (const id of [second, third]) {
    expect((await viewer.reply(id)).payload.code).toBe("INVALID_REQUEST");
  }
  expect(viewer.frames).toHaveLength(3);
});

test("R-6.3-15: what waits for a client that does not read is not sent once another connection has its session", async () => {
  const { runtime, start, clock } = hosting();
  const first = new Viewer(runtime);
  const welcome = await first.hello([...ALL_FEATURES, "heartbeat"]);
  const job = await start(first);
  for (let i = 0; i < 100; i++) void job.ctx.log.info("x".repeat(100));
  await settled();
  first.sever();
  const stuck = new Viewer(runtime, { highWaterMark: 1000, read: false });
  const { resume_token } = welcome.payload;
  stuck.send("session.resume", { auth: AUTH, resume_token, last_event_seq: 0 });
  await settled();
  // A ping, behind the events in flight.
  clock.advance(30_000);
  await settled();
  const next = new Viewer(runtime);
  expect((await next.resume(welcome, 0)).type).toBe("session.welcome");
  expect(await stuck.read()).toMatchObject({ reason: "refused" });
  await settled();
  expect(stuck.frames.at(-1)?.type).toBe("job.event");
});
