import type { JobId, MessageId } from "@arcp/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  accepted,
  type Connection,
  collect,
  event,
  FEATURES,
  frame,
  reached,
  result,
  ScriptedRuntime,
  sessionError,
  subscribed,
} from "../test/scripted-runtime.ts";
import type { Client } from "./index.ts";

let runtime: ScriptedRuntime;
beforeEach(() => {
  runtime = new ScriptedRuntime();
});
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

const FRESH = "sess_2";

async function running() {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo", 1);
  wire.send(accepted(await wire.next("job.submit")));
  return { client, wire, job: await submitting };
}

/** Refuses the resume, then welcomes the fresh session that the client opens. */
async function renewed(client: Client, features = FEATURES): Promise<Connection> {
  await runtime.pass(client);
  const refusing = await runtime.accept();
  await refusing.next("session.resume");
  refusing.send(sessionError("RESUME_WINDOW_EXPIRED"));
  refusing.pair.runtime.close("refused");
  await runtime.pass(client);
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.welcome("rt_f", features, FRESH as never);
  return wire;
}

const jobSeqs = (events: readonly { jobSeq: number | undefined }[]) =>
  events.map(({ jobSeq }) => jobSeq);

test("R-6.3-19: a lost session is followed by a fresh one, in which the handle goes on where it was", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1), event(2));
  await wire.barrier();
  wire.pair.sever();
  const fresh = await renewed(client);
  const subscribe = await fresh.next("job.subscribe");
  expect(subscribe.session_id).toBe(FRESH);
  expect(subscribe.payload).toEqual({ job_id: "job_1", history: true, from_job_seq: 2 });
  await fresh.barrier();
  fresh.send(subscribed(subscribe), event(1, "job_1", 3), result(2, "done", "job_1", 4));
  expect(await job.result()).toBe("done");
  expect(jobSeqs(await collect(job.events))).toEqual([1, 2, 3]);
  expect(client.session.id).toBe(FRESH);
  expect(client.state.kind).toBe("online");
});

test("R-6.3-17: an owner that fell behind the stored log gets a fresh session, and its handle reports the loss", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1), sessionError("RESUME_WINDOW_EXPIRED"));
  wire.pair.runtime.close("normal");
  await runtime.pass(client);
  const fresh = await runtime.accept();
  await fresh.next("session.hello");
  fresh.welcome("rt_f", FEATURES, FRESH as never);
  fresh.send(subscribed(await fresh.next("job.subscribe"), { truncated: true }));
  fresh.send(event(1, "job_1", 9), result(2, "late", "job_1", 10));
  expect(await job.result()).toBe("late");
  const events = await collect(job.events);
  expect(events.map(({ kind }) => kind)).toEqual(["status", "history_lost", "status"]);
  expect(events[1]?.body).toEqual({ after: 1 });
  expect(jobSeqs(events)).toEqual([1, undefined, 9]);
});

test("handles of one job at different positions each reattach at their own, whatever another one asks for", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1), event(2), event(3));
  const watching = client.subscribe("job_1", { fromJobSeq: 0 });
  wire.send(subscribed(await wire.next("job.subscribe")), event(4, "job_1", 1));
  const watched = await watching;
  await wire.barrier();
  wire.pair.sever();
  const live = client.subscribe("job_1");
  const fresh = await renewed(client);
  const asked = [
    await fresh.next("job.subscribe"),
    await fresh.next("job.subscribe"),
    await fresh.next("job.subscribe"),
  ] as const;
  const from = asked.map(({ payload }) => payload.from_job_seq);
  expect(new Set(from)).toEqual(new Set([undefined, 3, 1]));
  const of = (position: number | undefined) => asked[from.indexOf(position)] ?? asked[0];
  // The live one is answered first: its events must not leave a gap in the others.
  fresh.send(subscribed(of(undefined), { last_job_seq: 5 }), event(1, "job_1", 6));
  fresh.send(subscribed(of(3)), ...[4, 5, 6].map((seq, at) => event(2 + at, "job_1", seq)));
  fresh.send(subscribed(of(1)), ...[2, 3, 4, 5, 6].map((seq, at) => event(5 + at, "job_1", seq)));
  fresh.send(event(10, "job_1", 7), result(11, 0, "job_1", 8));
  expect(jobSeqs(await collect(job.events))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(jobSeqs(await collect(watched.events))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(jobSeqs(await collect((await live).events))).toEqual([6, 7]);
});

test("the end of a job whose handle was detached arrives through the handle's own subscription", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1));
  await wire.barrier();
  wire.pair.sever();
  const other = client.subscribe("job_1");
  const fresh = await renewed(client);
  const first = await fresh.next("job.subscribe");
  const second = await fresh.next("job.subscribe");
  const [live, own] = first.payload.from_job_seq === 1 ? [second, first] : [first, second];
  fresh.send(subscribed(live, { last_job_seq: 3 }), result(1, "end", "job_1", 3));
  expect(await (await other).result()).toBe("end");
  fresh.send(subscribed(own), event(2, "job_1", 2), result(3, "end", "job_1", 3));
  expect(await job.result()).toBe("end");
  expect(jobSeqs(await collect(job.events))).toEqual([1, 2]);
});

test("calls made before the session was lost are repeated if that is safe, and refused if not", async () => {
  const { client, wire, job } = await running();
  const keyed = client.submit("echo", "keyed", { idempotencyKey: "k" });
  const plain = client.submit("echo", "plain");
  const cancel = job.cancel("stop");
  await wire.next("job.submit");
  await wire.next("job.submit");
  await wire.next("job.cancel");
  wire.pair.sever();
  await reached(client, "retrying");
  const unsent = client.submit("echo", "unsent");
  const fresh = await renewed(client);
  await expect(plain).rejects.toMatchObject({ name: "LocalError", code: "SESSION_LOST" });
  const first = await fresh.next("job.submit");
  expect(first).toMatchObject({ session_id: FRESH, payload: { input: "keyed" } });
  const cancelled = await fresh.next("job.cancel");
  expect(cancelled.session_id).toBe(FRESH);
  const second = await fresh.next("job.submit");
  expect(second).toMatchObject({ session_id: FRESH, payload: { input: "unsent" } });
  fresh.send(accepted(first, "job_2"), accepted(second, "job_3"));
  expect((await fresh.next("job.subscribe")).payload.from_job_seq).toBe(0);
  const payload = { request_id: cancelled.id, job_id: "job_1" as JobId };
  fresh.send(frame("job.cancelled", payload, { job: "job_1" }));
  await cancel;
  expect([(await keyed).id, (await unsent).id]).toEqual(["job_2", "job_3"]);
});

test("a job that the runtime has forgotten fails its handle alone, after what was received", async () => {
  const { client, wire, job } = await running();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit"), "job_2"), event(1));
  const other = await submitting;
  await wire.barrier();
  wire.pair.sever();
  const fresh = await renewed(client);
  for (let i = 0; i < 2; i++) {
    const subscribe = await fresh.next("job.subscribe");
    if (subscribe.job_id === "job_1") fresh.send(sessionError("JOB_NOT_FOUND", subscribe.id));
    else fresh.send(subscribed(subscribe, {}, "job_2"), result(1, "fine", "job_2", 1));
  }
  await expect(job.result()).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  const seen: (number | undefined)[] = [];
  const reading = async () => {
    for await (const { jobSeq } of job.events) seen.push(jobSeq);
  };
  await expect(reading()).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  expect(seen).toEqual([1]);
  expect(await other.result()).toBe("fine");
});

test("without subscriptions, or numbers in the job, a handle fails rather than lose or repeat events", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  await renewed(client, ["agent_versions"]);
  await expect(job.result()).rejects.toMatchObject({ code: "SESSION_LOST" });
  expect(client.state.kind).toBe("online");

  runtime = new ScriptedRuntime();
  const other = await running();
  const payload = {
    kind: "log",
    ts: "2026-01-01T00:00:00.000Z",
    body: { level: "info", message: "" },
  };
  other.wire.send(frame("job.event", payload, { seq: 1, job: "job_1" }));
  await other.wire.barrier();
  other.wire.pair.sever();
  await renewed(other.client);
  await expect(other.job.result()).rejects.toMatchObject({ code: "SESSION_LOST" });
});

test("a fresh session that drops before its reply is resumed, and one that is lost too is followed by the next", async () => {
  const { client, wire, job } = await running();
  wire.send(event(1));
  await wire.barrier();
  wire.pair.sever();
  const fresh = await renewed(client);
  const subscribe = await fresh.next("job.subscribe");
  fresh.pair.sever();
  await runtime.pass(client);
  const resumed = await runtime.accept();
  expect((await resumed.next("session.resume")).payload.session_id).toBe(FRESH);
  resumed.welcome("rt_g", FEATURES, FRESH as never);
  expect(await resumed.next("job.subscribe")).toEqual(subscribe);
  resumed.pair.sever();
  await runtime.pass(client);
  const refusing = await runtime.accept();
  await refusing.next("session.resume");
  refusing.send(sessionError("RESUME_WINDOW_EXPIRED"));
  refusing.pair.runtime.close("refused");
  await runtime.pass(client);
  const third = await runtime.accept();
  await third.next("session.hello");
  third.welcome("rt_3", FEATURES, "sess_3" as never);
  const again = await third.next("job.subscribe");
  expect(again).toMatchObject({ session_id: "sess_3", payload: { from_job_seq: 1 } });
  third.send(subscribed(again), result(1, "end", "job_1", 2));
  expect(await job.result()).toBe("end");
  expect(runtime.clock.pending).toBe(0);
});

test("reattaching a handle may take longer than a request: the network may be away for long", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  const fresh = await renewed(client);
  await fresh.next("job.subscribe");
  runtime.clock.advance(30_000);
  await new Promise((resolve) => setImmediate(resolve));
  runtime.clock.advance(100);
  const again = await fresh.next("job.subscribe");
  fresh.send(subscribed(again), result(1, "end", "job_1", 1));
  expect(await job.result()).toBe("end");
});

test("R-6.3-17: subscriptions to a job that fell behind start again, and report what they missed", async () => {
  const { client, wire } = await runtime.online();
  const watching = client.subscribe("job_9", { history: true });
  const subscribe = await wire.next("job.subscribe");
  wire.send(subscribed(subscribe, {}, "job_9"), event(1, "job_9", 1));
  const watched = await watching;
  wire.send(sessionError("RESUME_WINDOW_EXPIRED", subscribe.id));
  const again = await wire.next("job.subscribe");
  expect(again.payload.from_job_seq).toBe(1);
  wire.send(event(2, "job_9", 50));
  wire.send(subscribed(again, { truncated: true }, "job_9"));
  wire.send(event(3, "job_9", 70), result(4, "end", "job_9", 71));
  expect(await watched.result()).toBe("end");
  const events = await collect(watched.events);
  expect(jobSeqs(events)).toEqual([1, undefined, 70]);
  expect(events[1]?.kind).toBe("history_lost");
});

test("R-6.3-17: a subscription that a page restarted, and left, still tells the handle that it fell behind", async () => {
  const { client, wire } = await runtime.online({ eventBuffer: 500 });
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe")), ...[1, 2, 3, 4, 5].map((n) => event(n)));
  const watched = await watching;
  await wire.barrier();
  const reader = watched.events[Symbol.asyncIterator]();
  const first = reader.next();
  const page = await wire.next("job.subscribe");
  wire.send(subscribed(page), event(6, "job_1", 1));
  await first;
  await reader.return?.();
  const behind = {
    code: "RESUME_WINDOW_EXPIRED",
    message: "behind",
    retryable: false,
    request_id: page.id,
    job_id: "job_1" as JobId,
  };
  wire.send(frame("session.error", behind));
  const again = await wire.next("job.subscribe");
  expect(again.payload.from_job_seq).toBe(5);
  wire.send(subscribed(again), event(7, "job_1", 6), result(8, "end", "job_1", 7));
  expect(await watched.result()).toBe("end");
});

test("R-6.3-17: a subscription that fell behind before its reply arrived takes the reply to its repetition", async () => {
  const { client, wire } = await runtime.online();
  const opening = client.job("job_1");
  const subscribe = await wire.next("job.subscribe");
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(sessionError("RESUME_WINDOW_EXPIRED", subscribe.id));
  second.send(subscribed(await second.next("job.subscribe"), { truncated: true }), event(1));
  second.send(result(2, "done"));
  expect(await (await opening).result()).toBe("done");
});

test("R-6.3-17: a loss is reported once, however often a subscription falls behind before its next event", async () => {
  const { client, wire } = await runtime.online();
  const watching = client.subscribe("job_1", { history: true });
  let subscribe = await wire.next("job.subscribe");
  wire.send(subscribed(subscribe), event(1));
  const watched = await watching;
  for (let i = 0; i < 5; i++) {
    wire.send(sessionError("RESUME_WINDOW_EXPIRED", subscribe.id));
    subscribe = await wire.next("job.subscribe");
    wire.send(subscribed(subscribe, { truncated: true }));
    await wire.barrier();
  }
  wire.send(event(2, "job_1", 9), result(3, "end", "job_1", 10));
  const kinds = (await collect(watched.events)).map(({ kind }) => kind);
  expect(kinds).toEqual(["status", "history_lost", "status"]);
});

test("R-7.6-8: an unsubscribe while offline is sent on the next connection", async () => {
  const { client, wire } = await runtime.online();
  const watching = client.subscribe("job_9");
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_9"));
  const watched = await watching;
  wire.pair.sever();
  await reached(client, "retrying");
  watched.unsubscribe();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  expect((await second.next("job.unsubscribe")).job_id).toBe("job_9");
  second.pair.sever();
  const { wire: third } = await runtime.resumed(client, "rt_3");
  await third.barrier();
});

test("a resume that is refused on the first connection of a restored session leads to a fresh one", async () => {
  const before = await runtime.online();
  const saved = await before.client.save();
  const connecting = runtime.connect({ restore: saved });
  const refusing = await runtime.accept();
  const resume = await refusing.next("session.resume");
  expect(resume.payload).toMatchObject({ session_id: "sess_1", resume_token: "rt_1" });
  refusing.send(sessionError("RESUME_WINDOW_EXPIRED", resume.id as MessageId));
  refusing.pair.runtime.close("refused");
  await new Promise((resolve) => setImmediate(resolve));
  runtime.clock.advance(100);
  const fresh = await runtime.accept();
  await fresh.next("session.hello");
  fresh.welcome("rt_f", FEATURES, FRESH as never);
  expect((await connecting).session.id).toBe(FRESH);
});

test("a full runtime is asked again after a pause, and the remaining budget is reported anew", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  const fresh = await renewed(client);
  const { id: request_id } = await fresh.next("job.subscribe");
  const busy = { code: "INTERNAL_ERROR", message: "too many", retryable: true, request_id };
  fresh.send(frame("session.error", busy));
  await fresh.barrier();
  await new Promise((resolve) => setImmediate(resolve));
  runtime.clock.advance(100);
  const again = await fresh.next("job.subscribe");
  fresh.send(subscribed(again, { budget: { USD: 3 } }));
  await fresh.barrier();
  expect(job.budget.get("USD")).toBe(3);
  fresh.send(result(1, "end", "job_1", 1));
  expect(await job.result()).toBe("end");
  expect(runtime.clock.pending).toBe(0);
});

test("a client that is closed during such a pause leaves no timer", async () => {
  const { client, wire, job } = await running();
  wire.pair.sever();
  const fresh = await renewed(client);
  const { id: request_id } = await fresh.next("job.subscribe");
  const busy = { code: "INTERNAL_ERROR", message: "too many", retryable: true, request_id };
  fresh.send(frame("session.error", busy));
  await fresh.barrier();
  const closing = client.close();
  await fresh.next("session.close");
  fresh.send(frame("session.closed", {}));
  await closing;
  await expect(job.result()).rejects.toMatchObject({ code: "CLOSED" });
  expect(runtime.clock.pending).toBe(0);
});

test("R-5.4-8: a runtime that may not recognise a request again gets no submit twice", async () => {
  const { client, wire } = await runtime.online({}, ["subscribe"]);
  const plain = client.submit("echo", "plain");
  const keyed = client.submit("echo", "keyed", { idempotencyKey: "k" });
  expect((await wire.next("job.submit")).payload.input).toBe("plain");
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  expect((await second.next("session.hello")).payload.resume?.last_event_seq).toBe(0);
  second.welcome("rt_2", ["subscribe"]);
  await expect(plain).rejects.toMatchObject({ code: "SESSION_LOST" });
  const again = await second.next("job.submit");
  expect(again.payload.input).toBe("keyed");
  second.send(accepted(again));
  expect((await keyed).id).toBe("job_1");
});

test("R-12-5: an error that nothing followed is not the reason of a later break", async () => {
  const { client, wire, job } = await running();
  wire.send(sessionError("INVALID_REQUEST"));
  await wire.barrier();
  wire.send(sessionError("INVALID_REQUEST"));
  await new Promise((resolve) => setImmediate(resolve));
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  second.send(result(1, "on"));
  expect(await job.result()).toBe("on");
});

test("a runtime that refuses a resume is there, however long it was away: the fresh session starts at once", async () => {
  const { client, wire } = await running();
  runtime.refuse(new Error("down"));
  wire.pair.sever();
  for (let i = 0; i < 8; i++) await runtime.pass(client);
  runtime.refuse(undefined);
  const paused = await reached(client, "retrying");
  expect(paused.in).toBeGreaterThan(1_000);
  runtime.clock.advance(paused.in);
  const refusing = await runtime.accept();
  await refusing.next("session.resume");
  refusing.send(sessionError("RESUME_WINDOW_EXPIRED"));
  refusing.pair.runtime.close("refused");
  expect((await reached(client, "retrying")).in).toBeLessThanOrEqual(100);
});

test("a runtime that forgets every session and drops every connection is dialled ever more rarely", async () => {
  const { client, wire } = await running();
  wire.pair.sever();
  for (let round = 0; round < 5; round++) {
    const fresh = await renewed(client);
    await reached(client, "online");
    fresh.pair.sever();
  }
  expect((await reached(client, "retrying")).in).toBeGreaterThan(1_000);
});
