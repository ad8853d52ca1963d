import { JobId } from "@arcp/core";
import { expect, test } from "vitest";
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

/** A finished job with only its last event in memory. */
async function ended() {
  const { client, wire } = await new ScriptedRuntime().online({ eventBuffer: 1 });
  const submitting = client.submit("echo");
  wire.send(
    accepted(await wire.next("job.submit")),
    event(1),
    event(2),
    event(3),
    result(4, "end"),
  );
  const job = await submitting;
  await job.result();
  return { wire, job };
}

test("R-7.6-8: a reader that leaves while it waits for a page leaves the page, and ends at once", async () => {
  const { wire, job } = await ended();
  const reader = job.events[Symbol.asyncIterator]();
  const next = reader.next();
  wire.send(subscribed(await wire.next("job.subscribe"), { subscribed_from: 4 }));
  await wire.barrier();
  await reader.return?.();
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_1");
  expect(await next).toEqual({ done: true, value: undefined });
});

test("R-7.6-8: a reader that leaves while a page is requested leaves it when it comes", async () => {
  const { wire, job } = await ended();
  const reader = job.events[Symbol.asyncIterator]();
  const next = reader.next();
  const request = await wire.next("job.subscribe");
  await reader.return?.();
  wire.send(subscribed(request, { subscribed_from: 4 }));
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_1");
  expect(await next).toEqual({ done: true, value: undefined });
});

test("R-7.6-8: a stream that is cancelled while it waits for a page leaves the page", async () => {
  const { wire, job } = await ended();
  const reader = job.stream().getReader();
  const read = reader.read();
  wire.send(subscribed(await wire.next("job.subscribe"), { subscribed_from: 4 }));
  await wire.barrier();
  await reader.cancel();
  expect((await wire.next("job.unsubscribe")).job_id).toBe("job_1");
  expect(await read).toEqual({ done: true, value: undefined });
});

test("a reader gets the error with which the runtime ended its client, not a loss", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 1 });
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")), event(1), event(2), result(3, "end"));
  const job = await submitting;
  expect(await job.result()).toBe("end");
  wire.send(sessionError("UNAUTHENTICATED"));
  wire.pair.runtime.close("refused");
  await reached(client, "closed");
  await expect(collect(job.events)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("R-6.3-17: what a page lacks is reported once, however often it is requested before the next event", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 1 });
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")), ...[1, 2, 3, 4].map((n) => event(n)));
  const job = await submitting;
  await wire.barrier();
  const reading = collect(job.events);
  const first = await wire.next("job.subscribe");
  wire.send(subscribed(first, { subscribed_from: 4, truncated: true }));
  await wire.barrier();
  // The page falls behind the stored log before anything of it has arrived.
  wire.send(sessionError("RESUME_WINDOW_EXPIRED", first.id));
  wire.send(subscribed(await wire.next("job.subscribe"), { subscribed_from: 4, truncated: true }));
  wire.send(event(5, "job_1", 3), event(6, "job_1", 4), result(7, "end", "job_1", 5));
  const events = await reading;
  expect(events.map(({ kind, jobSeq }) => jobSeq ?? kind)).toEqual(["history_lost", 3, 4]);
});

test("R-7.2-8: records lost before a job is accepted again are reported before the rest", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const submitting = client.submit("echo", null, { idempotencyKey: "k" });
  const request_id = (await wire.next("job.submit")).id;
  const acceptance = { request_id, job_id: JobId.parse("job_1"), agent: "echo", lease: {} };
  wire.send(frame("job.accepted", { ...acceptance, truncated: true }, { job: "job_1" }));
  wire.send(event(1, "job_1", 5), result(2, "end", "job_1", 6));
  const events = await collect((await submitting).events);
  expect(events.map(({ kind, jobSeq }) => jobSeq ?? kind)).toEqual(["history_lost", 5]);
});
