import { defineAgent } from "@arcp/runtime";
import { expect, test } from "vitest";
import { Hosted, numbers, reachedNumber, upTo } from "../test/hosted.ts";
import {
  accepted,
  collect,
  event,
  frame,
  result,
  ScriptedRuntime,
  sessionError,
  subscribed,
} from "../test/scripted-runtime.ts";
import { EventWindow } from "./event-window.ts";
import type { JobEvent } from "./index.ts";
import { historyLost } from "./job-event.ts";

/** Room for about a dozen events of a counting job. */
const SMALL = 4_000;

async function counted(client: Awaited<ReturnType<Hosted["connect"]>>, house: Hosted, n: number) {
  const job = await client.submit<number>("counting");
  house.counting.upTo(n);
  await reachedNumber(job.events, n);
  return job;
}

test("a late reader gets the events that are no longer in memory, of a running job and of a finished one", async () => {
  await using house = new Hosted();
  const client = await house.connect({ eventBuffer: SMALL });
  const job = await counted(client, house, 500);
  const running = collect(job.events);
  house.counting.end();
  expect(await job.result()).toBe(500);
  expect(numbers(await running)).toEqual(upTo(500));
  expect(numbers(await collect(job.events))).toEqual(upTo(500));
  expect(numbers(await collect(job.events))).toEqual(upTo(500));
});

test("many readers at their own pace, most of them behind the buffer, each get every event once", async () => {
  await using house = new Hosted();
  const client = await house.connect({ eventBuffer: 4 * SMALL });
  const job = await counted(client, house, 300);
  const read = async (pace: number): Promise<JobEvent[]> => {
    const events: JobEvent[] = [];
    for await (const event of job.events) {
      events.push(event);
      if (pace > 0 && events.length % pace === 0) await new Promise((r) => setImmediate(r));
    }
    return events;
  };
  const readers = [0, 1, 3, 7, 50].map(read);
  house.counting.upTo(400);
  house.counting.end();
  for (const reader of readers) expect(numbers(await reader)).toEqual(upTo(400));
});

test("a reader that stands still while the job runs far ahead misses nothing, even over drops", async () => {
  await using house = new Hosted();
  const client = await house.connect({ eventBuffer: SMALL });
  const job = await counted(client, house, 10);
  const reader = job.events[Symbol.asyncIterator]();
  const seen: JobEvent[] = [];
  const take = async (n: number) => {
    for (let i = 0; i < n; i++) {
      const { value } = await reader.next();
      if (value !== undefined) seen.push(value);
    }
  };
  await take(5);
  house.counting.upTo(400);
  await reachedNumber(job.events, 400);
  await take(20);
  house.sever();
  await take(20);
  house.sever();
  house.counting.end();
  await take(1_000);
  expect(numbers(seen)).toEqual(upTo(400));
});

test("memory is bounded: a handle keeps only the latest events, in order, however many came", () => {
  const window = new EventWindow(30, 0);
  for (let n = 1; n <= 10_000; n++) window.append(logged(n), 10);
  expect([window.first, window.forgotten]).toEqual([9_997, 9_997]);
  expect([0, 1, 2, 3].map((i) => window.at(window.first + i)?.jobSeq)).toEqual([
    9_998,
    9_999,
    10_000,
    undefined,
  ]);
  expect(window.at(window.first - 1)).toBeUndefined();
  expect(window.ordinalBehind(9_998)).toBe(window.first + 1);
  expect(window.ordinalBehind(10_000)).toBe(window.first + 3);
  window.append(logged(10_001), 1_000);
  expect([window.first, window.at(window.first)?.jobSeq]).toEqual([10_000, 10_001]);
});

const logged = (n: number): JobEvent => ({
  kind: "log",
  body: { level: "info", message: `${n}` },
  seq: n,
  jobSeq: n,
  ts: undefined,
});

test("a reader that catches up by pages is told what was lost behind it", () => {
  const window = new EventWindow(30, 0);
  for (let n = 1; n <= 3; n++) window.append(logged(n), 10);
  window.append(historyLost(3), 0);
  window.append(logged(9), 30);
  const ordinal = window.ordinalBehind(3);
  expect([window.forgotten, window.at(ordinal)?.kind]).toEqual([3, "history_lost"]);
  expect(window.at(window.ordinalBehind(9))).toBeUndefined();
});

test("if the job's events have no numbers, a late reader is told what is lost, and gets what is left", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 700 });
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const place = (seq: number) => ({ seq, job: "job_1" });
  for (let n = 1; n <= 9; n++) {
    const body = { level: "info", message: `${n}` };
    wire.send(frame("job.event", { kind: "log", ts: undefined, body }, place(n)));
  }
  await wire.barrier();
  const running = job.events[Symbol.asyncIterator]();
  expect((await running.next()).value?.kind).toBe("history_lost");
  const end = { final_status: "success", result: 9 } as const;
  wire.send(frame("job.result", end, place(10)));
  expect(await job.result()).toBe(9);
  const [lost, ...rest] = await collect(job.events);
  expect(lost?.kind).toBe("history_lost");
  expect(rest.length).toBeGreaterThan(1);
  expect(numbers(rest)).toEqual(upTo(9).slice(-rest.length));
  await wire.barrier();
});

test("a late reader is told what the runtime no longer stores, or that it has forgotten the job", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 1 });
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe")), event(1), event(2), event(3));
  const watched = await watching;
  await wire.barrier();
  const reading = collect(watched.events);
  const page = await wire.next("job.subscribe");
  expect(page.payload).toEqual({ job_id: "job_1", history: true, from_job_seq: 0 });
  wire.send(subscribed(page, { truncated: true }), event(4, "job_1", 2), event(5, "job_1", 3));
  wire.send(result(6, "end", "job_1", 4));
  const events = await reading;
  expect(events.map(({ jobSeq }) => jobSeq)).toEqual([undefined, 2, 3]);
  expect(events[0]).toMatchObject({ kind: "history_lost", body: { after: 0 } });

  const late = collect(watched.events);
  wire.send(sessionError("JOB_NOT_FOUND", (await wire.next("job.subscribe")).id));
  expect((await late).map(({ kind, jobSeq }) => [kind, jobSeq])).toEqual([
    ["history_lost", undefined],
    ["status", 3],
  ]);
});

test("a reader that is paging when the client closes gets the error once", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 1 });
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe")), event(1), event(2));
  const reader = (await watching).events[Symbol.asyncIterator]();
  await wire.barrier();
  const first = reader.next();
  wire.send(subscribed(await wire.next("job.subscribe")));
  await wire.barrier();
  wire.send(frame("session.closed", {}));
  void client.close();
  await expect(first).rejects.toMatchObject({ code: "CLOSED" });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("a page that fills up is left, and the next one starts after its last event", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({ eventBuffer: 400 });
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe")));
  const watched = await watching;
  wire.send(...[1, 2, 3, 4, 5, 6].map((n) => event(n)));
  await wire.barrier();
  const reader = watched.events[Symbol.asyncIterator]();
  const first = reader.next();
  const page = await wire.next("job.subscribe");
  wire.send(subscribed(page), ...[1, 2, 3, 4, 5, 6].map((n) => event(6 + n, "job_1", n)));
  expect((await first).value?.jobSeq).toBe(1);
  await wire.barrier();
  const seen = [1];
  const rest = (async () => {
    for (;;) {
      const { value } = await reader.next();
      if (value === undefined) return;
      seen.push(value.jobSeq ?? -1);
    }
  })();
  const second = await wire.next("job.subscribe");
  expect(second.payload.from_job_seq).toBeGreaterThan(1);
  const from = second.payload.from_job_seq ?? 0;
  wire.send(subscribed(second));
  let seq = 13;
  for (let n = from + 1; n <= 6; n++) wire.send(event(seq++, "job_1", n));
  wire.send(result(seq, "end", "job_1", 7));
  await rest;
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a reader that leaves in the middle of a page leaves the page, and takes nothing from another handle", async () => {
  await using house = new Hosted();
  const client = await house.connect({ eventBuffer: SMALL });
  const job = await counted(client, house, 200);
  await reachedNumber(job.events, 50);
  house.counting.upTo(210);
  house.counting.end();
  expect(await job.result()).toBe(210);
  expect(numbers(await collect(job.events))).toEqual(upTo(210));
});

test("a finished job that is accepted again gets its events as well, from the history", async () => {
  await using house = new Hosted();
  const client = await house.connect();
  const submit = () => client.submit<number>("counting", null, { idempotencyKey: "k" });
  const job = await submit();
  house.counting.upTo(3);
  house.counting.end();
  expect(await job.result()).toBe(3);
  const again = await submit();
  expect(await again.result()).toBe(3);
  expect(numbers(await collect(again.events))).toEqual(upTo(3));
});

test("R-7.2-3: a running job that is accepted again in its own session gets its earlier events from the history", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const stop = new AbortController();
  const options = { idempotencyKey: "k" };
  const given = client.submit("echo", null, { ...options, signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  wire.send(accepted(await wire.next("job.submit")), event(1), event(2));
  const submitting = client.submit("echo", null, options);
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const early = collect(job.events);
  wire.send(event(3));
  const page = await wire.next("job.subscribe");
  expect(page.payload).toEqual({ job_id: "job_1", history: true, from_job_seq: 0 });
  wire.send(subscribed(page), ...[1, 2, 3].map((n) => event(3 + n, "job_1", n)));
  wire.send(event(7, "job_1", 4), result(8, "end", "job_1", 5));
  expect((await early).map(({ jobSeq }) => jobSeq)).toEqual([1, 2, 3, 4]);
});

test("a streamed result larger than the buffer is whole, early and late, in pieces and at once", async () => {
  const chunked = defineAgent({
    name: "chunked",
    run: async (ctx) => {
      for (let n = 0; n < 40; n++) await ctx.result.write(`${n}:${"x".repeat(1_000)}\n`);
    },
  });
  await using house = new Hosted({ agents: [chunked] });
  const client = await house.connect({ eventBuffer: SMALL });
  const job = await client.submit("chunked");
  const whole = Array.from({ length: 40 }, (_, n) => `${n}:${"x".repeat(1_000)}\n`).join("");
  expect(await new Response(job.stream()).text()).toBe(whole);
  expect(await job.text()).toBe(whole);
  const slow: string[] = [];
  for await (const part of job.stream().pipeThrough(new TextDecoderStream())) {
    slow.push(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(slow.join("")).toBe(whole);
});

test("R-7.6-5: what a resume repeats for other readers does not count as the replay of a new subscription", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const watching = client.subscribe("job_1", { history: true });
  // It starts after the fifth event of the session, which is yet to come, and so is the end of the job, once more.
  wire.send(subscribed(await wire.next("job.subscribe"), { subscribed_from: 5 }));
  const watched = await watching;
  wire.send(...[1, 2, 3, 4].map((n) => event(n, "job_1", 2 + n)), result(5, "end", "job_1", 7));
  wire.send(...[1, 2, 3, 4, 5, 6].map((n) => event(5 + n, "job_1", n)));
  wire.send(result(12, "end", "job_1", 7));
  expect((await collect(watched.events)).map(({ jobSeq }) => jobSeq)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await watched.result()).toBe("end");
});

test("R-7.2-3: the handle of a submit repeated in its own session gets the earlier events from the history", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const submitting = client.submit("echo", null, { idempotencyKey: "k" });
  // The first reply, and what followed it, were for a caller that no longer waits.
  wire.send(accepted(await wire.next("job.submit")), event(1, "job_1", 3));
  const job = await submitting;
  const reading = collect(job.events);
  const page = await wire.next("job.subscribe");
  expect(page.payload).toEqual({ job_id: "job_1", history: true, from_job_seq: 0 });
  wire.send(subscribed(page, { subscribed_from: 1 }));
  wire.send(event(2, "job_1", 1), event(3, "job_1", 2), event(4, "job_1", 3));
  wire.send(event(5, "job_1", 4), result(6, "end", "job_1", 5));
  expect((await reading).map(({ jobSeq }) => jobSeq)).toEqual([1, 2, 3, 4]);
  expect(await job.result()).toBe("end");
});

test("what a closed client can no longer ask for is not reported as lost", async () => {
  await using house = new Hosted();
  const client = await house.connect({ eventBuffer: SMALL });
  const job = await counted(client, house, 200);
  house.counting.end();
  expect(await job.result()).toBe(200);
  await client.close();
  await expect(collect(job.events)).rejects.toMatchObject({ code: "CLOSED" });
});
