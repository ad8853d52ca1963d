import { ArcpError, type JobId, type JobStatus, ManualClock } from "@arcp/core";
import fc from "fast-check";
import { pino } from "pino";
import { expect, test } from "vitest";
import { type HeldStore, heldStore, settled } from "../../test/held-store.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { AgentContext } from "../agents/context.ts";
import { tokenTable } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import { memoryStore } from "../store/memory-store.ts";

/** A runtime with a store that the test releases by hand, and an agent that the test controls. */
async function hosting(
  tools: Record<string, (args: unknown) => unknown> = {},
  store = heldStore(),
) {
  const clock = new ManualClock();
  const context = Promise.withResolvers<AgentContext>();
  const outcome = Promise.withResolvers<unknown>();
  const led = defineAgent({
    name: "led",
    run(ctx) {
      context.resolve(ctx);
      return outcome.promise;
    },
  });
  const runtime = createRuntime({
    agents: [led],
    auth: tokenTable({ secret: "alice" }),
    store,
    clock,
    tools,
    logger: pino({ level: "silent" }),
  });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  return { store, clock, runtime, viewer, context: context.promise, outcome };
}

/** One for which a job's input is stored. */
const aDurableStore = () => heldStore({ ...memoryStore(), durable: true });

const terminals = (viewer: Viewer, job: string | undefined): Frame[] =>
  viewer.stream.filter(({ type, job_id }) => type !== "job.event" && job_id === job);

test("J2: a job is neither accepted nor started before it is durable", async () => {
  const { store, viewer, context } = await hosting();
  let started = false;
  void context.then(() => {
    started = true;
  });
  store.held.jobs.hold();
  const id = viewer.send("job.submit", { agent: "led" });
  await settled();
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  expect(started).toBe(false);
  await store.held.jobs.open();
  await viewer.reply(id);
  await context;
});

test("J2: no viewer sees an event before it is durable, while the agent goes on", async () => {
  const { store, viewer, context } = await hosting();
  await viewer.submit("led");
  const ctx = await context;
  await settled();
  store.held.logs.hold();
  const seen = viewer.stream.length;
  for (let i = 0; i < 10; i++) await ctx.log.info("unseen");
  let flushed = false;
  void ctx.flush().then(() => {
    flushed = true;
  });
  await settled();
  expect(viewer.stream).toHaveLength(seen);
  expect(flushed).toBe(false);
  await store.held.logs.open();
  await ctx.flush();
  await settled();
  expect(viewer.stream).toHaveLength(seen + 10);
});

test("J2: a tool runs only once its call is durable, and not if the job was cancelled meanwhile", async () => {
  let runs = 0;
  const { store, viewer, context } = await hosting({
    bill: () => {
      runs += 1;
      return "billed";
    },
  });
  const lease_request = { "tool.call": ["bill"] };
  const { job_id } = await viewer.submit("led", null, { lease_request });
  const ctx = await context;
  await settled();

  store.held.logs.hold();
  const first = ctx.tools.call("bill");
  await settled();
  expect(runs).toBe(0);
  await store.held.logs.open();
  expect(await first).toBe("billed");
  expect(runs).toBe(1);

  store.held.logs.hold();
  const second = ctx.tools.call("bill");
  await settled();
  await viewer.reply(viewer.send("job.cancel", {}, { job_id }));
  await store.held.logs.open();
  await expect(second).rejects.toMatchObject({ code: "CANCELLED" });
  expect(runs).toBe(1);
});

test("J2: a cancel is acknowledged only once it is durable, and before the end that it causes", async () => {
  const { store, viewer, context, outcome } = await hosting();
  const { job_id } = await viewer.submit("led");
  const ctx = await context;
  await settled();
  store.held.jobs.hold();
  const id = viewer.send("job.cancel", { job_id, reason: "wrong folder" }, { job_id });
  await settled();
  // The agent returns while the cancel is being stored: too late to win.
  outcome.resolve("done");
  await settled();
  expect(viewer.frames.some(({ payload }) => payload.request_id === id)).toBe(false);
  expect(terminals(viewer, job_id)).toEqual([]);
  expect(ctx.signal.aborted).toBe(false);
  await store.held.jobs.open();
  const { payload } = await viewer.terminal(job_id);
  expect(payload).toMatchObject({ code: "CANCELLED", final_status: "cancelled" });
  const order = viewer.frames.filter(
    ({ type }) => type === "job.cancelled" || type === "job.error",
  );
  expect(order.map(({ type }) => type)).toEqual(["job.cancelled", "job.error"]);
});

/** Lets all pauses between attempts to store something pass. */
async function exhaust(clock: ManualClock): Promise<void> {
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
}

test("J2: a cancel that could not be stored is refused, and the ending that waited for it stands", async () => {
  const { store, viewer, context, outcome, clock } = await hosting();
  const { job_id } = await viewer.submit("led");
  await context;
  await settled();
  const { update } = store.jobs;
  store.jobs.update = async (id, change) => {
    await settled(3);
    if (change.cancel !== undefined) throw new Error("disk full");
    return update(id, change);
  };
  const id = viewer.send("job.cancel", {}, { job_id });
  await settled(1);
  outcome.resolve("done");
  await exhaust(clock);
  expect((await viewer.reply(id)).payload.code).toBe("INTERNAL_ERROR");
  expect((await viewer.terminal(job_id)).type).toBe("job.result");
});

/** The next append stores its records, fails before it has changed the index, and reports only that it failed. */
function forgetChange(store: HeldStore): void {
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    store.logs.append = append;
    await append(batches.map((batch) => ({ ...batch, change: undefined })));
    throw new Error("the connection to the store is lost");
  };
}

test("J2: a state is in the index together with the record that announces it, by the same call", async () => {
  const { store, viewer, context, outcome } = await hosting({}, aDurableStore());
  const asked: unknown[] = [];
  store.jobs.update = async (_id, change) => void asked.push(change);
  const { job_id = "" } = await viewer.submit("led");
  await context;
  await settled();
  const id = job_id as JobId;
  expect(await store.jobs.get(id)).toMatchObject({ status: "running" });
  store.held.logs.hold();
  outcome.resolve("done");
  await settled();
  expect(await store.jobs.get(id)).toMatchObject({ status: "running", input: "null" });
  await store.held.logs.open();
  const row = await store.jobs.get(id);
  expect(row).toMatchObject({ status: "success", finishedAt: expect.any(Number) });
  expect([row?.input, asked]).toEqual([undefined, []]);
});

test("J2: a state during a flood is in the index by the very call that stores its record", async () => {
  const { store, viewer, context, outcome } = await hosting();
  const { append } = store.logs;
  const calls: unknown[] = [];
  store.logs.append = (batches) => {
    for (const { records, change } of batches) calls.push([records.length, change?.status]);
    return append(batches);
  };
  const { job_id = "" } = await viewer.submit("led");
  const ctx = await context;
  await settled();
  for (let i = 0; i < 1500; i++) void ctx.log.info("event");
  outcome.resolve("done");
  await viewer.terminal(job_id);
  expect(calls).toEqual([
    [1, "running"],
    [1024, undefined],
    [477, "success"],
  ]);
});

test("J1: a job that is fenced off changes nothing in the index", async () => {
  const { store, viewer, context, outcome } = await hosting({}, aDurableStore());
  const { job_id = "" } = await viewer.submit("led");
  await context;
  await settled();
  const job = job_id as JobId;
  await store.logs.append([{ job, after: 1, records: [{ kind: "event", text: "a rival's" }] }]);
  outcome.resolve("done");
  await settled();
  expect(await store.jobs.get(job)).toMatchObject({ status: "running", input: "null" });
});

test("R-14-3: an index that fails briefly keeps no job, and retries undo nothing", async () => {
  const { store, viewer, runtime, context, outcome, clock } = await hosting();
  forgetChange(store);
  const { update } = store.jobs;
  let calls = 0;
  store.jobs.update = async (id, change) => {
    calls += 1;
    if (change.status === "running" && calls === 1) throw new Error("busy");
    return update(id, change);
  };
  const { job_id = "" } = await viewer.submit("led");
  await context;
  await settled();
  clock.advance(20);
  await settled();
  outcome.resolve("done");
  await viewer.terminal(job_id);
  await exhaust(clock);
  expect(calls).toBe(2);
  expect(await runtime.jobs.get(job_id)).toMatchObject({ status: "success" });
  expect(runtime.jobs.count()).toEqual({ pending: 0, running: 0 });
});

test("an index that fails for long is not retried in every turn", async () => {
  const { store, viewer, context, clock } = await hosting();
  await viewer.submit("led", null, { lease_request: { "cost.budget": ["USD:1"] } });
  const ctx = await context;
  await settled();
  let calls = 0;
  store.jobs.update = async () => {
    calls += 1;
    throw new Error("disk full");
  };
  await ctx.metric({ name: "cost.model", value: 0.1, unit: "USD" });
  await settled(500);
  expect(calls).toBe(1);
  await exhaust(clock);
  expect(calls).toBeLessThan(8);
});

test("J2: a subscription reports a state only once the record behind it is durable", async () => {
  const { store, runtime, viewer, context, outcome } = await hosting();
  const { job_id } = await viewer.submit("led");
  await context;
  await settled();
  store.held.logs.hold();
  outcome.resolve("done");
  await settled();
  const second = new Viewer(runtime);
  await second.hello();
  const id = second.send("job.subscribe", { job_id, history: true }, { job_id });
  await settled();
  expect(second.frames.filter(({ type }) => type !== "session.welcome")).toEqual([]);
  await store.held.logs.open();
  expect((await second.reply(id)).payload.current_status).toBe("success");
});

test("J2: a job counts as pending until the record of its start is durable", async () => {
  const { store, runtime, viewer, context } = await hosting();
  store.held.logs.hold();
  const { job_id } = await viewer.submit("led");
  await context;
  const second = new Viewer(runtime);
  await second.hello();
  const subscribe = async () =>
    (await second.reply(second.send("job.subscribe", { job_id }, { job_id }))).payload;
  expect(await subscribe()).toMatchObject({ current_status: "pending", last_job_seq: 0 });
  await store.held.logs.open();
  await settled();
  expect(await subscribe()).toMatchObject({ current_status: "running", last_job_seq: 1 });
});

test("J2: a job whose end is in its log but could not be written to the index is still known with its end", async () => {
  const { store, viewer, runtime, context, outcome, clock } = await hosting();
  const { job_id } = await viewer.submit("led");
  await context;
  await settled();
  forgetChange(store);
  let asked = 0;
  store.jobs.update = async (_id, { status }) => {
    asked += Number(status === "success");
    throw new Error("disk full");
  };
  outcome.resolve("done");
  await exhaust(clock);
  await viewer.terminal(job_id);
  await exhaust(clock);
  expect(asked).toBe(5);
  await exhaust(clock);
  const second = new Viewer(runtime);
  await second.hello();
  const { payload } = await second.reply(
    second.send("job.subscribe", { job_id, history: true }, { job_id }),
  );
  expect(payload).toMatchObject({ current_status: "success", replayed: true });
  expect((await second.terminal(job_id)).type).toBe("job.result");
});

test("J3: of all competing endings one is recorded, as the last record, and the listing agrees", async () => {
  const endings = ["return", "throw", "cancel", "timeout", "return"] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...endings], { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      async (order, pauses) => {
        const { store, clock, viewer, context, outcome } = await hosting();
        const { job_id } = await viewer.submit("led", null, { max_runtime_sec: 10 });
        const ctx = await context;
        for (const [i, ending] of order.entries()) {
          if (ending === "return") outcome.resolve(i);
          else if (ending === "throw") outcome.reject(new ArcpError("PERMISSION_DENIED", "no"));
          else if (ending === "timeout") clock.advance(10_000);
          else viewer.send("job.cancel", {}, { job_id });
          void ctx.log.info("late");
          if (pauses[i]) await settled(2);
        }
        outcome.resolve("at last");
        const { type, payload, job_seq } = await viewer.terminal(job_id);
        void ctx.log.info("after the end");
        clock.advance(60_000);
        await settled();
        expect(terminals(viewer, job_id)).toHaveLength(1);
        expect(viewer.stream.at(-1)?.job_seq).toBe(job_seq);
        const acknowledged = viewer.frames.some(
          (frame) => frame.type === "job.cancelled" && frame.payload.current_status === undefined,
        );
        const final: JobStatus = type === "job.result" ? "success" : payload.final_status;
        if (acknowledged) expect(final).toBe("cancelled");
        const row = await store.jobs.get(job_id as never);
        expect(row?.status).toBe(final);
      },
    ),
    { numRuns: 200 },
  );
});

test("R-7.4-4: an agent that ignores the signal loses its job after the grace period, and with it every right", async () => {
  const { clock, viewer, context } = await hosting({ bill: () => "billed" });
  const lease_request = { "tool.call": ["bill"] };
  const { job_id } = await viewer.submit("led", null, { lease_request });
  const ctx = await context;
  await viewer.reply(viewer.send("job.cancel", {}, { job_id }));
  expect(ctx.signal.aborted).toBe(true);
  await ctx.log.info("tidying up");
  clock.advance(29_999);
  await settled();
  expect(terminals(viewer, job_id)).toEqual([]);
  clock.advance(1);
  await viewer.terminal(job_id);
  const count = viewer.stream.length;
  await ctx.log.info("still here");
  await expect(ctx.tools.call("bill")).rejects.toMatchObject({ code: "CANCELLED" });
  await settled();
  expect(viewer.stream).toHaveLength(count);
});

test("R-4.1-7: a result that does not fit into one message ends the job with an error that names streaming", async () => {
  const { viewer, outcome } = await hosting();
  const { job_id } = await viewer.submit("led");
  outcome.resolve("x".repeat(2 * 1024 * 1024));
  const { payload } = await viewer.terminal(job_id);
  expect(payload).toMatchObject({ code: "INTERNAL_ERROR", final_status: "error" });
  expect(payload.message).toContain("stream");
});

test("a result that JSON cannot express ends the job with an error, not the process", async () => {
  const { viewer, outcome } = await hosting();
  const { job_id } = await viewer.submit("led");
  outcome.resolve({ count: 1n });
  const { payload } = await viewer.terminal(job_id);
  expect(payload).toMatchObject({ code: "INTERNAL_ERROR", final_status: "error" });
});
