import { afterEach, beforeEach, expect, test } from "vitest";
import {
  accepted,
  collect,
  event,
  frame,
  reached,
  result,
  ScriptedRuntime,
  sessionError,
  subscribed,
} from "../test/scripted-runtime.ts";
import { Link } from "./link.ts";

let runtime: ScriptedRuntime;
beforeEach(() => {
  runtime = new ScriptedRuntime();
});
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  // Unhandled rejections are reported after the microtasks of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

async function running() {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo", 1);
  wire.send(accepted(await wire.next("job.submit")));
  return { client, wire, job: await submitting };
}
const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq);
const jobSeqs = (events: readonly { jobSeq: number | undefined }[]) =>
  events.map(({ jobSeq }) => jobSeq);

test("R-6.3-2: after a drop the client resumes, authenticated, with the latest token and the last number", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1), event(2));
  await wire.barrier();
  wire.pair.sever();
  const { wire: second, resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload).toMatchObject({
    session_id: "sess_1",
    resume_token: "rt_1",
    last_event_seq: 2,
    auth: { scheme: "bearer", token: "secret" },
  });
  second.send(event(3), result(4, "done"));
  expect(await job.result()).toBe("done");
  expect(seqs(await collect(job.events))).toEqual([1, 2, 3]);
  second.pair.sever();
  const { resume: again } = await runtime.resumed(client, "rt_3");
  expect(again.payload).toMatchObject({ resume_token: "rt_2", last_event_seq: 4 });
});

test("R-5.4-8: a submit without a reply is repeated with its id after the resume, once", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo", { a: 1 }, { idempotencyKey: "k" });
  const submit = await wire.next("job.submit");
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  const repeated = await second.next("job.submit");
  expect(repeated).toEqual(submit);
  second.send(accepted(repeated), event(1), result(2, "once"));
  const job = await submitting;
  expect(await job.result()).toBe("once");
  expect(seqs(await collect(job.events))).toEqual([1]);
  await second.barrier();
});

test("R-6.3-8: an acceptance that the resume repeats and the reply to the repeated submit are one job", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo");
  const submit = await wire.next("job.submit");
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  await second.next("session.resume");
  second.welcome("rt_2");
  second.send(accepted(submit), event(1));
  const repeated = await second.next("job.submit");
  // Another submit is pending meanwhile: the second acceptance must not be taken for its reply.
  const other = client.submit("echo", "other");
  const otherSubmit = await second.next("job.submit");
  second.send(accepted(repeated), event(2), result(3, "one"));
  const job = await submitting;
  expect(await job.result()).toBe("one");
  expect(seqs(await collect(job.events))).toEqual([1, 2]);
  second.send(accepted(otherSubmit, "job_2"));
  expect((await other).id).toBe("job_2");
});

test("R-5.4-5: requests from before, during and after a drop go out in the order in which they were made", async () => {
  const { client, wire, job } = await running();
  const first = client.submit("echo", "first");
  await wire.next("job.submit");
  wire.pair.sever();
  await reached(client, "retrying");
  const cancel = job.cancel("late");
  const second = client.submit("echo", "second");
  const { wire: next } = await runtime.resumed(client, "rt_2");
  const requests = [
    await next.next("job.submit"),
    await next.next("job.cancel"),
    await next.next("job.submit"),
  ] as const;
  expect(requests[0].payload.input).toBe("first");
  expect(requests[1].payload).toEqual({ job_id: "job_1", reason: "late" });
  expect(requests[2].payload.input).toBe("second");
  next.send(
    frame("job.cancelled", { request_id: requests[1].id, job_id: job.id }, { job: job.id }),
    accepted(requests[0], "job_2"),
    accepted(requests[2], "job_3"),
  );
  await cancel;
  expect([(await first).id, (await second).id]).toEqual(["job_2", "job_3"]);
});

test("R-5.4-8: a subscribe without a reply is repeated; the two replays deliver each event once", async () => {
  const { client, wire } = await runtime.online();
  const subscribing = client.subscribe("job_1", { history: true });
  const subscribe = await wire.next("job.subscribe");
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  const repeated = await second.next("job.subscribe");
  expect(repeated).toEqual(subscribe);
  // The first one had taken effect: its replay comes with the resume, before the second one's reply.
  second.send(event(1), event(2), subscribed(repeated, { replayed: true }));
  second.send(event(3, "job_1", 1), event(4, "job_1", 2), event(5, "job_1", 3));
  second.send(result(6, "seen", "job_1", 4));
  const watched = await subscribing;
  expect(jobSeqs(await collect(watched.events))).toEqual([1, 2, 3]);
  expect(await watched.result()).toBe("seen");
});

test("R-8.3-3: numbers that were already processed are ignored", async () => {
  const { wire, job } = await running();
  wire.send(event(1), event(1), event(2), event(1), event(2), event(3), result(4, 0), result(4, 1));
  expect(await job.result()).toBe(0);
  expect(seqs(await collect(job.events))).toEqual([1, 2, 3]);
});

test("R-8.3-3: so are envelopes without a number in the job, such as a back-pressure notice", async () => {
  const { wire, job } = await running();
  const payload = { kind: "status", ts: undefined, body: { phase: "back_pressure" } };
  const notice = frame("job.event", payload, { seq: 2, job: "job_1" });
  wire.send(event(1), notice, notice, event(3, "job_1", 2), notice, result(4, 0, "job_1", 3));
  await job.result();
  expect(seqs(await collect(job.events))).toEqual([1, 2, 3]);
});

test("R-8.3-4, R-4.1-11: a gap drops the link and resumes from the last contiguous number", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1), event(3), event(4), result(5, "too early"));
  expect(await wire.closed()).toBe("going-away");
  const { wire: second, resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload.last_event_seq).toBe(1);
  second.send(event(2), event(3), event(4), result(5, "in time"));
  expect(await job.result()).toBe("in time");
  expect(seqs(await collect(job.events))).toEqual([1, 2, 3, 4]);
});

test("R-8.3-4: a gap that a resume has closed does not count for the next one", async () => {
  const { client, wire, job } = await running();
  let next = wire;
  for (let seq = 1; seq <= 4; seq++) {
    next.send(event(seq + 1));
    const { wire: again, resume } = await runtime.resumed(client, `rt_${seq + 1}`);
    expect(resume.payload.last_event_seq).toBe(seq - 1);
    again.send(event(seq));
    await again.barrier();
    next = again;
  }
  next.send(result(5, "all of it"));
  expect(await job.result()).toBe("all of it");
});

test("R-8.3-1: the numbers run on across jobs, and each job gets its own", async () => {
  const { client, wire, job } = await running();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit"), "job_2"));
  const other = await submitting;
  wire.send(event(1), event(2, "job_2", 1), event(3, "job_1", 2), event(4, "job_9", 7));
  wire.send(result(5, "b", "job_2", 2), result(6, "a", "job_1", 3));
  expect([await job.result(), await other.result()]).toEqual(["a", "b"]);
  expect(seqs(await collect(job.events))).toEqual([1, 3]);
  expect(seqs(await collect(other.events))).toEqual([2]);
});

test("R-8.1-3: what cannot be understood is counted, and passed on as opaque", async () => {
  const { wire, job } = await running();
  const raw = (type: string, seq: number, payload: unknown) =>
    JSON.stringify({ id: `m${seq}`, type, job_id: "job_1", event_seq: seq, job_seq: seq, payload });
  wire.send(
    raw("job.event", 1, { kind: "x-vendor.acme.mood", ts: "2026-01-01T00:00:00Z", body: { m: 1 } }),
    raw("job.event", 2, { kind: "progress", body: { current: "many" } }),
    raw("job.event", 3, { kind: "log", body: "not an object" }),
    raw("job.event", 4, { kind: "thought", ts: "tomorrow", body: { text: "x" } }),
    raw("job.telepathy", 5, {}),
    result(6, "fine"),
  );
  expect(await job.result()).toBe("fine");
  const events = await collect(job.events);
  expect(seqs(events)).toEqual([1, 2, 3, 4]);
  expect(events.map((e) => (e.kind === "opaque" ? e.name : e.kind))).toEqual([
    "x-vendor.acme.mood",
    "progress",
    "log",
    "thought",
  ]);
  expect(events[0]).toMatchObject({ kind: "x-vendor.acme.mood", body: { m: 1 } });
  expect(events.slice(1).map(({ kind }) => kind)).toEqual(["opaque", "opaque", "opaque"]);
});

test("an unreadable terminal envelope fails its job, not the session", async () => {
  const { client, wire, job } = await running();
  const broken = { id: "m1", type: "job.result", job_id: "job_1", event_seq: 1, payload: {} };
  wire.send(JSON.stringify(broken));
  await expect(job.result()).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  await expect(collect(job.events)).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  expect(client.state.kind).toBe("online");
});

test("R-5.3-5: garbage and unknown messages do no harm", async () => {
  const { client, wire, job } = await running();
  wire.send("garbage", "[]", '{"id":"m","type":"session.unheard_of","payload":{}}', event(1));
  wire.send(frame("session.pong", { ping_nonce: "?" }), result(2, "ok"));
  expect(await job.result()).toBe("ok");
  expect(client.state.kind).toBe("online");
});

test("R-6.4-2: a ping is answered at once with its nonce, without a number", async () => {
  const { wire } = await runtime.online();
  wire.send(frame("session.ping", { nonce: "hb-51" }));
  const pong = await wire.next("session.pong");
  expect(pong.payload.ping_nonce).toBe("hb-51");
  expect(pong.payload.received_at).toBe("2026-01-01T00:00:00.000Z");
  expect(pong.session_id).toBe("sess_1");
  expect(pong.event_seq).toBeUndefined();
});

test("ten drops in a row, each at another place, lose and repeat nothing", async () => {
  const { client, wire: first, job } = await running();
  let wire = first;
  for (let drop = 1; drop <= 10; drop++) {
    wire.send(event(drop));
    await wire.barrier();
    // One more is in flight when the line breaks; it is lost and comes again.
    wire.send(event(drop + 1));
    wire.pair.sever();
    // A connection that made progress does not count as another failure in a row.
    expect((await reached(client, "retrying")).in).toBeLessThanOrEqual(100);
    const next = await runtime.resumed(client, `rt_${drop + 1}`);
    expect(next.resume.payload).toMatchObject({
      resume_token: `rt_${drop}`,
      last_event_seq: drop,
    });
    wire = next.wire;
  }
  wire.send(event(11), result(12, "whole"));
  expect(await job.result()).toBe("whole");
  expect(seqs(await collect(job.events))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(runtime.dialled).toBe(11);
});

test("a connection that held for a while does not count as a failure in a row, even if nothing came on it", async () => {
  const { client, wire } = await running();
  wire.pair.sever();
  let { wire: next } = await runtime.resumed(client, "rt_2");
  for (let n = 0; n < 5; n++) {
    await next.barrier();
    next.pair.sever();
    ({ wire: next } = await runtime.resumed(client, "rt_2"));
  }
  await next.barrier();
  next.pair.sever();
  expect((await reached(client, "retrying")).in).toBeGreaterThan(1_000);
  ({ wire: next } = await runtime.resumed(client, "rt_2"));
  await next.barrier();
  runtime.clock.advance(10_000);
  next.pair.sever();
  expect((await reached(client, "retrying")).in).toBeLessThanOrEqual(100);
});

test("a drop before the welcome of a resume is one more attempt, with longer pauses", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    const { in: pause } = await reached(client, "retrying");
    pauses.push(pause);
    runtime.clock.advance(pause);
    const next = await runtime.accept();
    await next.next("session.resume");
    next.pair.sever();
    await reached(client, "retrying");
  }
  for (const [attempt, pause] of pauses.entries()) {
    const full = Math.min(10_000, 100 * 2 ** attempt);
    expect(pause).toBeGreaterThanOrEqual(full / 2);
    expect(pause).toBeLessThanOrEqual(full);
  }
  const { wire: last, resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload.resume_token).toBe("rt_1");
  last.send(result(1, "at last"));
  expect(await job.result()).toBe("at last");
});

test("a runtime that cannot be dialled, or is silent, is tried again", async () => {
  const { client, wire, job } = await running();
  runtime.refuse(new Error("ECONNREFUSED"));
  wire.pair.sever();
  await runtime.pass(client);
  await reached(client, "retrying");
  runtime.refuse(undefined);
  await runtime.pass(client);
  const silent = await runtime.accept();
  await silent.next("session.resume");
  runtime.clock.advance(5_000);
  await silent.closed();
  const { wire: last } = await runtime.resumed(client, "rt_2");
  last.send(result(1, "ok"));
  expect(await job.result()).toBe("ok");
});

test("R-6.7-6: a runtime that shuts down is reconnected to", async () => {
  const { client, wire, job } = await running();
  const states = client.states[Symbol.asyncIterator]();
  await states.next();
  wire.send(frame("session.closed", { reason: "shutdown" }));
  expect((await states.next()).value).toMatchObject({
    kind: "retrying",
    error: { code: "TRANSPORT_CLOSED", message: "the runtime said goodbye: shutdown" },
  });
  wire.pair.runtime.close("going-away");
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(result(1, "ok"));
  expect(await job.result()).toBe("ok");
});

test("a runtime that says goodbye and leaves the connection open is left", async () => {
  const { client, wire } = await running();
  wire.send(frame("session.bye", {}));
  await wire.closed();
  await runtime.resumed(client, "rt_2");
});

test("nothing is delivered after the end, even if it had arrived before", async () => {
  const heard: string[] = [];
  const introduction = { token: "t", client: { name: "n", version: "1" }, features: [] };
  const { dial, clock } = runtime;
  const link = new Link(
    { dial, introduction, handshakeTimeout: 5_000, clock },
    {
      connected: () => {},
      drained: () => {},
      received: (decoded) => {
        heard.push(decoded.kind);
        link.end(new Error("enough"));
        return false;
      },
      ended: ({ message }) => void heard.push(message),
    },
  );
  const opening = link.open();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.welcome();
  wire.send(event(1), event(2), event(3));
  await opening;
  await link.over;
  await wire.closed();
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(["ok", "enough"]);
});

test("an internal fault while handling a message ends the link with it, rather than lose the message", async () => {
  const introduction = { token: "t", client: { name: "n", version: "1" }, features: [] };
  const { dial, clock } = runtime;
  const received = () => {
    throw new Error("a bug");
  };
  const ended = Promise.withResolvers<Error>();
  const user = { connected: () => {}, drained: () => {}, received, ended: ended.resolve };
  const link = new Link({ dial, introduction, handshakeTimeout: 5_000, clock }, user);
  const opening = link.open();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.welcome();
  await opening;
  wire.send(event(1));
  expect((await ended.promise).message).toContain("a bug");
  await wire.closed();
  expect(runtime.dialled).toBe(1);
});

test("R-6.4-5: a heartbeat loss on the runtime's side leads to a resume", async () => {
  const { client, wire, job } = await running();
  wire.send(sessionError("HEARTBEAT_LOST"));
  wire.pair.runtime.close("going-away");
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(result(1, "ok"));
  expect(await job.result()).toBe("ok");
});

test("R-6.3-15: a session that another connection took over is not fought for", async () => {
  const { client, wire, job } = await running();
  const submitting = client.submit("echo");
  await wire.next("job.submit");
  wire.send(event(1));
  wire.pair.runtime.close("refused");
  const error = { code: "TRANSPORT_CLOSED", message: expect.stringContaining("took this session") };
  await expect(job.result()).rejects.toMatchObject(error);
  await expect(submitting).rejects.toMatchObject(error);
  await expect(client.submit("echo")).rejects.toMatchObject(error);
  expect(client.state.kind).toBe("closed");
  expect(runtime.dialled).toBe(1);
  expect(runtime.clock.pending).toBe(0);
});

test("R-4.1-6: a frame above a limit, which would come again, ends the client rather than every connection", async () => {
  const { client, wire, job } = await running();
  wire.pair.runtime.close("too-big");
  const error = { code: "TRANSPORT_CLOSED", reason: "too-big", retryable: false };
  await expect(job.result()).rejects.toMatchObject(error);
  expect(client.state).toMatchObject({ kind: "closed", error });
  expect(runtime.dialled).toBe(1);
  expect(runtime.clock.pending).toBe(0);
});

test("R-12-5: a token revoked in mid-session fails every pending call with that error", async () => {
  const { client, wire, job } = await running();
  wire.send(sessionError("UNAUTHENTICATED"));
  wire.pair.runtime.close("refused");
  await expect(job.result()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  expect(client.state).toMatchObject({ kind: "closed" });
  expect(runtime.dialled).toBe(1);
});

test("R-D-9: an uncorrelated error after which the session lives on does no harm", async () => {
  const { client, wire, job } = await running();
  wire.send(sessionError("INVALID_REQUEST"), event(1));
  await wire.barrier();
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(result(2, "alive"));
  expect(await job.result()).toBe("alive");
});

test("a resume that is answered with another session ends the client", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  await second.next("session.resume");
  second.welcome("rt_2", [], "sess_2" as never);
  await expect(job.result()).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  await second.closed();
});

test("the states report every change, and finish with the client", async () => {
  const { client, wire } = await runtime.online();
  const story = collect(client.states);
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  await second.barrier();
  const closing = client.close();
  const close = await second.next("session.close");
  second.send(frame("session.closed", { request_id: close.id }));
  await closing;
  const kinds = (await story).map(({ kind }) => kind);
  expect(kinds).toEqual(["online", "retrying", "connecting", "online", "closing", "closed"]);
});

test("readers of the states learn of a connection before its events arrive", async () => {
  const { client, wire, job } = await running();
  const told: unknown[] = [];
  void (async () => {
    for await (const { kind } of client.states) told.push(kind);
  })();
  const events = (async () => {
    for await (const { seq } of job.events) told.push(seq);
  })();
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(event(1), result(2, "done"));
  await events;
  expect(told).toEqual(["online", "retrying", "connecting", "online", 1]);
});

test("a pause can be cut short, for a user who asks or a network that is back", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  await reached(client, "retrying");
  client.retryNow();
  const second = await runtime.accept();
  await second.next("session.resume");
  second.welcome("rt_2");
  second.send(result(1, "on"));
  expect(await job.result()).toBe("on");
  expect(runtime.clock.pending).toBe(0);
});

test("a doubtful connection is probed, kept when it answers, and given up when it does not", async () => {
  const { client, wire } = await runtime.online();
  client.retryNow();
  client.retryNow();
  const { payload } = await wire.next("session.ping");
  wire.send(frame("session.pong", { ping_nonce: payload.nonce }));
  await wire.barrier();
  expect(runtime.clock.pending).toBe(0);
  client.retryNow();
  await wire.next("session.ping");
  runtime.clock.advance(5_000);
  const state = await reached(client, "retrying");
  expect(state.error).toMatchObject({ code: "TRANSPORT_CLOSED" });
  expect(state.error.message).toContain("5000 ms");
  await wire.closed();
  const { resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload.session_id).toBe("sess_1");
});

test("a signal ends the wait for one request, whether it was sent or not, and affects nothing else", async () => {
  const { client, wire, job } = await running();
  const reason = new Error("no longer needed");
  const stop = new AbortController();
  const sent = client.submit("echo", "sent", { signal: stop.signal });
  const cancel = job.cancel("x", stop.signal);
  const listing = client.jobs({}, stop.signal).next();
  await wire.next("job.submit");
  await wire.next("job.cancel");
  await wire.next("session.list_jobs");
  wire.pair.sever();
  await reached(client, "retrying");
  const unsent = client.subscribe("job_2", { signal: stop.signal });
  const kept = client.job("job_3");
  stop.abort(reason);
  for (const aborted of [sent, cancel, listing, unsent]) {
    await expect(aborted).rejects.toBe(reason);
  }
  await expect(client.job("job_4", { signal: stop.signal })).rejects.toBe(reason);
  const { wire: second } = await runtime.resumed(client, "rt_2");
  const subscribe = await second.next("job.subscribe");
  expect(subscribe.job_id).toBe("job_3");
  second.send(subscribed(subscribe, {}, "job_3"), result(1, "on"), result(2, "three", "job_3", 1));
  expect([await job.result(), await (await kept).result()]).toEqual(["on", "three"]);
  await second.barrier();
  expect(runtime.clock.pending).toBe(0);
});
