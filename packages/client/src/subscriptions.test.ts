import { afterEach, beforeEach, expect, test } from "vitest";
import { Hosted, numbers, reachedNumber, upTo } from "../test/hosted.ts";
import {
  accepted,
  type Connection,
  collect,
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
let client: Client;
let wire: Connection;
beforeEach(async () => {
  runtime = new ScriptedRuntime();
  ({ client, wire } = await runtime.online());
});
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

async function watched() {
  const watching = client.subscribe("job_9", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_9"));
  return watching;
}

/** After a drop: a fresh session, and its first request. */
async function renewed(session: string) {
  await runtime.pass(client);
  const refusing = await runtime.accept();
  await refusing.next("session.resume");
  refusing.send(sessionError("RESUME_WINDOW_EXPIRED"));
  refusing.pair.runtime.close("refused");
  await runtime.pass(client);
  const fresh = await runtime.accept();
  await fresh.next("session.hello");
  fresh.welcome("rt_f", FEATURES, session as never);
  return { fresh, subscribe: await fresh.next("job.subscribe") };
}

test("R-7.6-8: leaving a job does not end the subscription that another handle of it waits for", async () => {
  const left = await watched();
  const pending = client.subscribe("job_9");
  const subscribe = await wire.next("job.subscribe");
  left.unsubscribe();
  await wire.barrier();
  wire.send(subscribed(subscribe, {}, "job_9"));
  const other = await pending;
  await wire.barrier();
  other.unsubscribe();
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.6-8: a handle that waited while another one of the same job was left gets its subscription", async () => {
  await using house = new Hosted();
  const owner = await house.connect();
  const job = await owner.submit<number>("counting");
  const watcher = await house.connect();
  const left = await watcher.subscribe(job.id);
  const pending = watcher.subscribe(job.id, { history: true });
  left.unsubscribe();
  const other = await pending;
  house.counting.upTo(3);
  house.counting.end();
  expect(await other.result()).toBe(3);
});

test("R-7.6-8: a job that was left while another handle waited for it in vain is left after all", async () => {
  const left = await watched();
  const pending = client.subscribe("job_9");
  const subscribe = await wire.next("job.subscribe");
  left.unsubscribe();
  wire.send(sessionError("INTERNAL_ERROR", subscribe.id));
  await expect(pending).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.6-8: a subscription that is given up before its reply does not go on unused", async () => {
  const stop = new AbortController();
  const subscribing = client.subscribe("job_9", { signal: stop.signal });
  await wire.next("job.subscribe");
  stop.abort(new Error("enough"));
  await expect(subscribing).rejects.toThrow("enough");
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
  await expect(client.subscribe("job_9", { signal: stop.signal })).rejects.toThrow("enough");
  const kept = await watched();
  const other = new AbortController();
  const again = client.subscribe("job_9", { signal: other.signal });
  await wire.next("job.subscribe");
  other.abort(new Error("enough"));
  await expect(again).rejects.toThrow("enough");
  await wire.barrier();
  kept.unsubscribe();
  await wire.next("job.unsubscribe");
});

test("R-7.6-8: a handle that is left offline while it reattaches is left after the reply", async () => {
  const left = await watched();
  wire.pair.sever();
  const { fresh } = await renewed("sess_2");
  fresh.pair.sever();
  await reached(client, "retrying");
  left.unsubscribe();
  await runtime.pass(client);
  const back = await runtime.accept();
  await back.next("session.resume");
  back.welcome("rt_g", FEATURES, "sess_2" as never);
  const subscribe = await back.next("job.subscribe");
  await back.barrier();
  back.send(subscribed(subscribe, {}, "job_9"));
  expect((await back.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.6-8: a job that is left on a connection that breaks unnoticed is left on the next one", async () => {
  const left = await watched();
  const kept = client.subscribe("job_8");
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_8"));
  (await kept).unsubscribe();
  await wire.next("job.unsubscribe");
  const again = client.subscribe("job_8");
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_8"));
  await again;
  left.unsubscribe();
  wire.pair.sever();
  const { wire: second } = await runtime.resumed(client, "rt_2");
  expect((await second.next("job.unsubscribe")).job_id).toBe("job_9");
  await second.barrier();
  second.pair.sever();
  // It was left in that session, and in no other.
  const { subscribe } = await renewed("sess_2");
  expect(subscribe.job_id).toBe("job_8");
});

test("R-7.6-8: a handle that is left while a full runtime is to be asked again is left after the reply", async () => {
  const watching = client.subscribe("job_9", { history: true });
  const first = await wire.next("job.subscribe");
  wire.send(subscribed(first, {}, "job_9"));
  const left = await watching;
  wire.send(sessionError("RESUME_WINDOW_EXPIRED", first.id));
  const refused = await wire.next("job.subscribe");
  const full = { code: "INTERNAL_ERROR", message: "full", retryable: true };
  wire.send(frame("session.error", { ...full, request_id: refused.id }));
  await wire.barrier();
  left.unsubscribe();
  await wire.next("job.unsubscribe");
  runtime.clock.advance(10_000);
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_9"));
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.6-8: a handle that is left while it reattaches is left in the session that answers", async () => {
  const left = await watched();
  wire.pair.sever();
  const { fresh: second } = await renewed("sess_2");
  left.unsubscribe();
  await second.barrier();
  second.pair.sever();
  const { fresh: third, subscribe } = await renewed("sess_3");
  third.send(subscribed(subscribe, {}, "job_9"));
  expect((await third.next("job.unsubscribe")).job_id).toBe("job_9");
});

test("R-7.2-3: leaving an earlier subscription does not leave a job that is submitted again", async () => {
  await using house = new Hosted();
  const owner = await house.connect();
  const key = { idempotencyKey: "k" };
  const { id } = await owner.submit("counting", null, key);
  const other = await house.connect();
  const watched = await other.subscribe(id, { history: true });
  const again = await other.submit<number>("counting", null, key);
  house.counting.upTo(3);
  await reachedNumber(again.events, 3);
  watched.unsubscribe();
  house.counting.upTo(5);
  house.counting.end();
  expect(await again.result()).toBe(5);
  expect(numbers(await collect(again.events))).toEqual(upTo(5));
});

test("R-7.6-8: leaving a job does not affect a submit in flight that leads to it", async () => {
  const left = await watched();
  const submitting = client.submit("echo", null, { idempotencyKey: "k" });
  const submit = await wire.next("job.submit");
  left.unsubscribe();
  await wire.barrier();
  wire.send(accepted(submit, "job_9"));
  const job = await submitting;
  await wire.barrier();
  wire.send(result(1, "done", "job_9", 1));
  expect(await job.result()).toBe("done");
});

test("R-7.6-8: a job that was left meanwhile is left once such a submit has led to another job", async () => {
  const left = await watched();
  const submitting = client.submit("echo", null, { idempotencyKey: "k" });
  const submit = await wire.next("job.submit");
  left.unsubscribe();
  wire.send(accepted(submit, "job_2"));
  await submitting;
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_9");
});
