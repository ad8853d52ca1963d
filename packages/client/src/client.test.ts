import { afterEach, beforeEach, expect, expectTypeOf, test } from "vitest";
import {
  accepted,
  type Connection,
  collect,
  event,
  FEATURES,
  frame,
  result,
  ScriptedRuntime,
  SESSION,
  sessionError,
  subscribed,
} from "../test/scripted-runtime.ts";
import type { Client } from "./index.ts";

let runtime: ScriptedRuntime;
let client: Client;
let wire: Connection;
beforeEach(async () => {
  runtime = new ScriptedRuntime();
  ({ client, wire } = await runtime.online());
});
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  // Unhandled rejections are reported after the microtasks of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

async function submitted(job = "job_1") {
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit"), job));
  return submitting;
}
const jobSeqs = (events: readonly { jobSeq: number | undefined }[]) =>
  events.map(({ jobSeq }) => jobSeq);

test("R-7.1-2: a submit carries its arguments; the acceptance and the whole job may come in one write", async () => {
  const submitting = client.submit(
    "code-audit@2",
    { root: "/srv" },
    {
      lease: { "fs.read": ["/srv/**"], "cost.budget": ["credits:10"] },
      maxRuntimeSec: 60,
      idempotencyKey: "k",
    },
  );
  const submit = await wire.next("job.submit");
  expect(submit.id).toMatch(/^req_/);
  expect(submit.session_id).toBe("sess_1");
  expect(submit.payload).toEqual({
    agent: "code-audit@2",
    input: { root: "/srv" },
    lease_request: { "fs.read": ["/srv/**"], "cost.budget": ["credits:10"] },
    idempotency_key: "k",
    max_runtime_sec: 60,
  });
  wire.send(accepted(submit), event(1), event(2), result(3, { ok: true }));
  const job = await submitting;
  expect(job.id).toBe("job_1");
  expect(job.accepted.agent).toBe("echo");
  expect(await job.result()).toEqual({ ok: true });
  expect(jobSeqs(await collect(job.events))).toEqual([1, 2]);
});

test("an event narrows by its kind", async () => {
  const job = await submitted();
  const body = { current: 3, total: 9 };
  const ts = "2026-01-01T00:00:00.000Z";
  wire.send(
    frame("job.event", { kind: "progress", ts, body }, { seq: 1, job: "job_1", jobSeq: 1 }),
    result(2, null),
  );
  for await (const e of job.events) {
    expect(e).toMatchObject({ seq: 1, jobSeq: 1, ts });
    if (e.kind === "progress") {
      expectTypeOf(e.body.current).toBeNumber();
      expect(e.body.current).toBe(3);
    } else expect.unreachable();
  }
  expect(await job.result()).toBeNull();
});

test("several readers, one late and one that breaks off, read independently", async () => {
  const job = await submitted();
  const early = collect(job.events);
  wire.send(event(1), event(2), event(3));
  for await (const e of job.events) if (e.jobSeq === 2) break;
  const middle = collect(job.events);
  wire.send(event(4), result(5, 0));
  await job.result();
  for (const reader of [early, middle, collect(job.events)]) {
    expect(jobSeqs(await reader)).toEqual([1, 2, 3, 4]);
  }
});

test("R-5.4-3: the error of one request touches no other, and replies are matched by their ids", async () => {
  const job = await submitted();
  const bad = client.submit("nobody");
  const good = client.submit("echo");
  const badSubmit = await wire.next("job.submit");
  const goodSubmit = await wire.next("job.submit");
  wire.send(
    accepted(goodSubmit, "job_2"),
    sessionError("AGENT_NOT_AVAILABLE", badSubmit.id),
    sessionError("INTERNAL_ERROR", "req_of_somebody_else"),
    sessionError("DUPLICATE_KEY", goodSubmit.id),
  );
  await expect(bad).rejects.toMatchObject({ name: "ArcpError", code: "AGENT_NOT_AVAILABLE" });
  expect((await good).id).toBe("job_2");
  wire.send(result(1, "a", "job_1", 1), result(2, "b", "job_2", 1));
  expect([await job.result(), await (await good).result()]).toEqual(["a", "b"]);
  expect(client.state.kind).toBe("online");
});

test("R-5.4-6: without request_id an acceptance is the oldest submit's, but never a child's", async () => {
  const first = client.submit("echo", 1);
  const second = client.submit("echo", 2);
  await wire.next("job.submit");
  await wire.next("job.submit");
  const plain = (job: string, rest = {}) => {
    const payload = { job_id: job, agent: "echo", lease: {}, ...rest };
    return frame("job.accepted", payload as never, { job });
  };
  wire.send(plain("job_c", { parent_job_id: "job_0" }), plain("job_1"), plain("job_2"));
  expect([(await first).id, (await second).id]).toEqual(["job_1", "job_2"]);
});

test("R-5.4-7: an unanswered request times out alone, and its late reply is dropped", async () => {
  const job = await submitted();
  const asked = client.submit("echo");
  const submit = await wire.next("job.submit");
  runtime.clock.advance(30_000);
  await expect(asked).rejects.toMatchObject({ name: "LocalError", code: "REQUEST_TIMEOUT" });
  wire.send(accepted(submit, "job_2"), event(1, "job_2", 1), result(2, "mine", "job_1", 1));
  expect(await job.result()).toBe("mine");
  expect(runtime.clock.pending).toBe(0);
});

test("a failed job rejects its result and ends its events in order", async () => {
  const job = await submitted();
  const payload = {
    final_status: "timed_out",
    code: "TIMEOUT",
    message: "ran longer than 60 s",
    retryable: true,
    details: { after: 60 },
  } as const;
  wire.send(event(1), frame("job.error", payload, { seq: 2, job: "job_1", jobSeq: 2 }));
  await expect(job.result()).rejects.toMatchObject({
    name: "ArcpError",
    code: "TIMEOUT",
    message: "ran longer than 60 s",
    retryable: true,
    details: { after: 60 },
  });
  expect(jobSeqs(await collect(job.events))).toEqual([1]);
  expect(await job.outcome()).toMatchObject({ status: "timed_out", error: { code: "TIMEOUT" } });
});

test("R-7.3-3: what follows a terminal envelope is ignored", async () => {
  const job = await submitted();
  wire.send(result(1, "first"), result(2, "second"), event(3));
  await wire.barrier();
  expect(await job.result()).toBe("first");
  expect(await collect(job.events)).toEqual([]);
});

test("R-7.4-8: a cancel names its job twice and resolves when acknowledged", async () => {
  const job = await submitted();
  let acknowledged = false;
  const cancelling = job.cancel("wrong folder").then(() => {
    acknowledged = true;
  });
  const cancel = await wire.next("job.cancel");
  expect(cancel.job_id).toBe("job_1");
  expect(cancel.payload).toEqual({ job_id: "job_1", reason: "wrong folder" });
  await wire.barrier();
  expect(acknowledged).toBe(false);
  const payload = { request_id: cancel.id, job_id: job.id };
  wire.send(frame("job.cancelled", payload, { job: "job_1" }));
  await cancelling;
  const end = { final_status: "cancelled", code: "CANCELLED", message: "x", retryable: false };
  wire.send(frame("job.error", end as never, { seq: 1, job: "job_1", jobSeq: 1 }));
  await expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
});

test("R-7.4-7: a refused cancel leaves the job alone", async () => {
  const job = await submitted();
  const cancelling = job.cancel();
  wire.send(sessionError("PERMISSION_DENIED", (await wire.next("job.cancel")).id));
  await expect(cancelling).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  wire.send(result(1, "on"));
  expect(await job.result()).toBe("on");
});

test("R-7.6-3: a subscription delivers from its reply to the terminal envelope", async () => {
  const watching = client.subscribe("job_1", { history: true });
  const subscribe = await wire.next("job.subscribe");
  expect(subscribe.job_id).toBe("job_1");
  expect(subscribe.payload).toEqual({ job_id: "job_1", history: true });
  const reply = subscribed(subscribe, { truncated: true, replayed: true, last_job_seq: 4 });
  wire.send(reply, event(1, "job_1", 3), event(2, "job_1", 4), event(3, "job_1", 6));
  wire.send(result(4, "seen", "job_1", 7));
  const watched = await watching;
  expect(watched.subscribed).toMatchObject({ current_status: "running", truncated: true });
  expect("cancel" in watched).toBe(false);
  const [lost, ...events] = await collect(watched.events);
  expect(lost).toMatchObject({ kind: "history_lost", body: { after: 0 } });
  expect(jobSeqs(events)).toEqual([3, 4, 6]);
  expect(await watched.result()).toBe("seen");
});

test("R-7.6-11: fromJobSeq asks for later events, and implies history", async () => {
  const watching = client.subscribe("job_1", { fromJobSeq: 3 });
  const subscribe = await wire.next("job.subscribe");
  expect(subscribe.payload).toEqual({ job_id: "job_1", history: true, from_job_seq: 3 });
  wire.send(subscribed(subscribe), event(1, "job_1", 4), result(2, 0, "job_1", 5));
  expect(jobSeqs(await collect((await watching).events))).toEqual([4]);
  const contradiction = client.subscribe("job_1", { history: false, fromJobSeq: 3 });
  await expect(contradiction).rejects.toMatchObject({ code: "MISUSE" });
});

test("R-7.6-6: without history the terminal envelope of a finished job still arrives", async () => {
  const watching = client.subscribe("job_1");
  const subscribe = await wire.next("job.subscribe");
  expect(subscribe.payload).toEqual({ job_id: "job_1", history: false });
  const reply = subscribed(subscribe, { current_status: "success", last_job_seq: 9 });
  wire.send(reply, result(1, "old", "job_1", 9));
  const watched = await watching;
  expect(await watched.result()).toBe("old");
  expect(await collect(watched.events)).toEqual([]);
});

test("R-7.6-7: the replay for a second handle repeats nothing in the first one", async () => {
  const job = await submitted();
  wire.send(event(1), event(2));
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe"), { replayed: true, last_job_seq: 2 }));
  wire.send(event(3, "job_1", 1), event(4, "job_1", 2), event(5, "job_1", 3));
  wire.send(result(6, "both", "job_1", 4));
  const watched = await watching;
  expect(jobSeqs(await collect(job.events))).toEqual([1, 2, 3]);
  expect(jobSeqs(await collect(watched.events))).toEqual([1, 2, 3]);
  expect([await job.result(), await watched.result()]).toEqual(["both", "both"]);
});

test("R-7.6-6: a second handle without history does not get the replay that another one asked for", async () => {
  const first = client.subscribe("job_1", { history: true });
  const second = client.subscribe("job_1");
  const history = { replayed: true, last_job_seq: 2 };
  wire.send(subscribed(await wire.next("job.subscribe"), history));
  wire.send(subscribed(await wire.next("job.subscribe"), { last_job_seq: 2 }));
  wire.send(event(1, "job_1", 1), event(2, "job_1", 2), event(3, "job_1", 3));
  wire.send(result(4, 0, "job_1", 4));
  expect(jobSeqs(await collect((await first).events))).toEqual([1, 2, 3]);
  expect(jobSeqs(await collect((await second).events))).toEqual([3]);
});

test("R-7.6-2: a refused subscription rejects alone", async () => {
  const watching = client.subscribe("job_x");
  wire.send(sessionError("JOB_NOT_FOUND", (await wire.next("job.subscribe")).id));
  await expect(watching).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  expect(client.state.kind).toBe("online");
});

test("R-7.6-8: unsubscribing tells the runtime and ends the readers, and later events are dropped", async () => {
  const watching = client.subscribe("job_1");
  wire.send(subscribed(await wire.next("job.subscribe")), event(1));
  const watched = await watching;
  const reading = collect(watched.events);
  await wire.barrier();
  watched.unsubscribe();
  const unsubscribe = await wire.next("job.unsubscribe");
  expect(unsubscribe).toMatchObject({ job_id: "job_1", payload: { job_id: "job_1" } });
  expect(jobSeqs(await reading)).toEqual([1]);
  await expect(watched.result()).rejects.toMatchObject({ code: "CLOSED" });
  wire.send(event(2), result(3, 0));
  await wire.barrier();
  expect(jobSeqs(await collect(watched.events))).toEqual([1]);
});

test("R-7.6-8: a handle that leaves takes nothing from another one of the same job", async () => {
  const job = await submitted();
  const watching = client.subscribe("job_1");
  wire.send(subscribed(await wire.next("job.subscribe")));
  (await watching).unsubscribe();
  wire.send(event(1), result(2, "mine"));
  expect(await job.result()).toBe("mine");
  await wire.barrier();
});

test("R-7.2-3: a job that is accepted again is the same job, from its first event", async () => {
  const job = await submitted();
  wire.send(event(1));
  const again = await submitted();
  wire.send(event(2), result(3, "one"));
  expect(jobSeqs(await collect(again.events))).toEqual([1, 2]);
  expect([await job.result(), await again.result()]).toEqual(["one", "one"]);
});

test("R-7.2-9: a finished job that is accepted again gets its result again", async () => {
  const job = await submitted();
  wire.send(event(1), result(2, "one"));
  await job.result();
  const again = await submitted();
  wire.send(result(3, "one", "job_1", 2));
  expect(await again.result()).toBe("one");
});

test("R-6.2-2: a call that needs a feature that the session lacks is refused locally", async () => {
  const poor = new ScriptedRuntime();
  const connecting = poor.connect();
  const end = await poor.accept();
  await end.next("session.hello");
  end.welcome("rt", []);
  const limited = await connecting;
  const misuse = (feature: string) => ({
    code: "MISUSE",
    message: expect.stringContaining(feature),
  });
  await expect(limited.subscribe("job_1")).rejects.toMatchObject(misuse("subscribe"));
  await expect(limited.submit("a@1")).rejects.toMatchObject(misuse("agent_versions"));
  const budget = { lease: { "cost.budget": ["EUR:1"] } };
  await expect(limited.submit("a", 0, budget)).rejects.toMatchObject(misuse("cost.budget"));
  const models = { lease: { "model.use": ["mistral/*"] } };
  await expect(limited.submit("a", 0, models)).rejects.toMatchObject(misuse("model.use"));
  const expiring = { expiresAt: new Date(0) };
  await expect(limited.submit("a", 0, expiring)).rejects.toMatchObject(misuse("lease_expires_at"));
  await end.barrier();
});

test("R-4.1-7: a message above 1 MiB, in bytes, is not sent", async () => {
  const misuse = { name: "LocalError", code: "MISUSE" };
  await expect(client.submit("echo", "x".repeat(1024 * 1024))).rejects.toMatchObject(misuse);
  await expect(client.submit("echo", "é".repeat(600 * 1024))).rejects.toMatchObject(misuse);
  const fitting = client.submit("echo", "é".repeat(500 * 1024));
  wire.send(accepted(await wire.next("job.submit")));
  await fitting;
});

test("R-4.1-7: a message of exactly 1 MiB is sent, and one byte more is not", async () => {
  void client.submit("echo", "");
  const { value: empty } = await wire.anything();
  const room = 1024 * 1024 - empty.length;
  void client.submit("echo", "x".repeat(room));
  const { value: largest } = await wire.anything();
  expect(largest).toHaveLength(1024 * 1024);
  await expect(client.submit("echo", "x".repeat(room + 1))).rejects.toThrow("1048576 bytes");
  await wire.barrier();
});

test("R-5.2-7: a value nested too deeply for a runtime to read is refused at once", async () => {
  const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);
  await expect(client.submit("echo", nested(127))).rejects.toMatchObject({
    code: "MISUSE",
    message: "the message nests deeper than 128 levels of JSON",
  });
  const fitting = client.submit("echo", nested(126));
  wire.send(accepted(await wire.next("job.submit")));
  await fitting;
});

test("a value that is not JSON is refused, and undefined is sent as null", async () => {
  const circular: unknown[] = [];
  circular.push(circular);
  for (const [input, why] of [
    [{ big: 1n }, "Do not know how to serialize a BigInt"],
    [circular, "Converting circular structure to JSON"],
  ] as const) {
    const message = `the payload of job.submit is not JSON: ${why}`;
    await expect(client.submit("echo", input)).rejects.toMatchObject({ code: "MISUSE", message });
  }
  void client.submit("echo");
  expect((await wire.next("job.submit")).payload.input).toBeNull();
});

test("an acknowledgement of the wrong kind rejects the request", async () => {
  const asked = client.submit("echo");
  const submit = await wire.next("job.submit");
  wire.send(frame("job.cancelled", { request_id: submit.id }, { job: "job_1" }));
  await expect(asked).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
});

test("the agents are those of the latest welcome", async () => {
  expect(client.agents()).toEqual([{ name: "echo", versions: [], default: undefined }]);
  wire.pair.sever();
  await runtime.pass(client);
  const again = await runtime.accept();
  await again.next("session.resume");
  again.welcome("rt_2", FEATURES, SESSION, ["echo", "audit"]);
  await again.barrier();
  expect(client.agents().map(({ name }) => name)).toEqual(["echo", "audit"]);
});

test("a submit with an invalid date, or without an agent, rejects with what is wrong, and throws nothing", async () => {
  for (const expiresAt of [new Date("tomorrow"), "2030-01-01" as unknown as Date]) {
    await expect(client.submit("echo", null, { expiresAt })).rejects.toMatchObject({
      code: "MISUSE",
      message: "expiresAt must be a valid Date",
    });
  }
  const agent = undefined as unknown as string;
  await expect(client.submit(agent)).rejects.toMatchObject({
    code: "MISUSE",
    message: "the agent must be name or name@version",
  });
  await wire.barrier();
});

test("a signal ends the wait for a job's end, and affects neither the job nor other waits", async () => {
  const job = await submitted();
  const stop = new AbortController();
  const stopped = [job.result, job.outcome, job.text, job.bytes].map((wait) =>
    wait.call(job, stop.signal),
  );
  const waiting = job.result();
  const reason = new Error("no longer of interest");
  stop.abort(reason);
  for (const each of stopped) await expect(each).rejects.toBe(reason);
  await expect(job.result(stop.signal)).rejects.toBe(reason);
  wire.send(result(1, "on"));
  expect(await waiting).toBe("on");
});
