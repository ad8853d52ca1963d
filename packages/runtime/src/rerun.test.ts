import { formatTimestamp } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { type Frame, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";

const machine = (led: object = {}) => hosts({ led: { attempts: 3, ...led } });
const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

async function greeted(viewer: Viewer): Promise<Frame> {
  return viewer.hello(["progress", "result_chunk", "cost.budget", "subscribe", "list_jobs"]);
}

test("a job whose agent may be restarted goes on in the next process, on the same stream", async () => {
  const { start, submit, nextRun } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const first = await submit(before);
  expect(first.ctx.attempt).toBe(1);
  expect(first.ctx.lastCheckpoint).toBeUndefined();
  for (let page = 1; page <= 3; page++) {
    await first.ctx.log.info(`page ${page}`);
    await first.ctx.checkpoint({ page });
  }
  await settled();

  const run = nextRun();
  const after = new Viewer(start());
  await after.resume(welcome, before.stream.length);
  const second = await run;
  expect(second.ctx.attempt).toBe(2);
  expect(second.ctx.lastCheckpoint).toEqual({ page: 3 });
  expect(second.ctx.job).toEqual(first.ctx.job);
  await second.ctx.log.info("page 4");
  second.end("done");
  expect((await after.terminal(first.id)).payload.result).toBe("done");
  const frames = [...before.stream, ...after.stream];
  expect(frames.map(({ event_seq }) => event_seq)).toEqual(dense(frames.length));
  expect(frames.map(({ job_seq }) => job_seq)).toEqual(dense(frames.length));
  const again = frames.filter(({ payload }) => payload.body?.phase === "running");
  expect(again.map(({ payload }) => payload.body.message)).toEqual([
    undefined,
    "restarted after the runtime stopped, attempt 2",
  ]);
});

test("R-7.3-1: a job that is run again is listed as running throughout, and counts against the limit", async () => {
  const { start, submit, nextRun } = machine();
  const first = start();
  const before = new Viewer(first);
  await greeted(before);
  const job = await submit(before);
  await settled();
  const run = nextRun();
  const runtime = start({ limits: { liveJobsPerPrincipal: 1 } });
  const after = new Viewer(runtime);
  await greeted(after);
  const listed = await after.reply(after.send("session.list_jobs", {}));
  expect(listed.payload.jobs).toMatchObject([{ job_id: job.id, status: "running" }]);
  expect(await runtime.jobs.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
  await run;
  const refused = await after.submit("led");
  expect(refused.payload).toMatchObject({ details: { reason: "live_jobs_per_principal" } });
});

test("an agent is started no more often than it allows, and then its job has its one end (R-7.3-10, J3)", async () => {
  const { start, submit, nextRun, runs } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await settled();
  for (let attempt = 2; attempt <= 3; attempt++) {
    const run = nextRun();
    start();
    expect((await run).ctx.attempt).toBe(attempt);
    await settled();
  }
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  const { payload } = await after.terminal(job.id);
  expect(payload).toMatchObject({ code: "INTERNAL_ERROR", final_status: "error", retryable: true });
  expect(runs()).toBe(3);
  const last = new Viewer(start());
  await last.resume(welcome, 0);
  await last.terminal(job.id);
  expect(last.stream.filter(({ type }) => type === "job.error")).toHaveLength(1);
});

test("a crash between counting an attempt and starting it uses the attempt up", async () => {
  const { start, submit, store, runs } = machine({ attempts: 2 });
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await settled();
  const { update } = store.jobs;
  store.jobs.update = async (id, change) => {
    await update.call(store.jobs, id, change);
    return new Promise(() => {});
  };
  start();
  await settled();
  store.jobs.update = update;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  expect((await after.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
  expect(runs()).toBe(1);
});

test("a store that is briefly busy when an attempt is counted does not end the job", async () => {
  const { start, submit, store, clock, nextRun } = machine();
  const before = new Viewer(start());
  await greeted(before);
  const job = await submit(before);
  await settled();
  const { update } = store.jobs;
  store.jobs.update = (id, change) => {
    if (change.attempt === undefined) return update.call(store.jobs, id, change);
    store.jobs.update = update;
    return Promise.reject(new Error("busy"));
  };
  const run = nextRun();
  const runtime = start();
  await settled();
  expect(await runtime.jobs.get(job.id)).toMatchObject({ status: "running", attempt: 1 });
  clock.advance(20);
  expect((await run).ctx.attempt).toBe(2);
  expect(await runtime.jobs.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
});

test("a process that ends before its agents begin uses up no attempt", async () => {
  const { start, submit, store, nextRun } = machine({ attempts: 2 });
  const before = new Viewer(start());
  await greeted(before);
  await submit(before);
  await settled();
  const { list } = store.sessions;
  store.sessions.list = () => Promise.reject(new Error("busy"));
  for (let i = 0; i < 5; i++) {
    start();
    await settled();
  }
  store.sessions.list = list;
  // Closed while it is still taking over.
  await start().close();
  const run = nextRun();
  start();
  expect((await run).ctx.attempt).toBe(2);
});

test("R-4-2: an input check that never answers holds nobody else up", async () => {
  let hangs = false;
  const input = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => (hangs ? new Promise<never>(() => {}) : { value }),
    },
  };
  const { start, submit } = machine({ input });
  const before = new Viewer(start());
  await greeted(before);
  await submit(before);
  await settled();
  hangs = true;
  const after = new Viewer(start());
  expect((await greeted(after)).type).toBe("session.welcome");
});

test("R-7.5-5: a job of an unversioned agent is run again by it, whatever a bare name means by now", async () => {
  const { start, submit, nextRun } = machine();
  const before = new Viewer(start());
  await greeted(before);
  await submit(before);
  await settled();
  const run = nextRun();
  const runtime = start();
  runtime.agents.register(defineAgent({ name: "led", version: "2.0.0", run: () => "wrong" }));
  runtime.agents.setDefault("led", "2.0.0");
  expect((await run).ctx.attempt).toBe(2);
});

test("a checkpoint is not durable before what was emitted before it", async () => {
  const { start, submit, store, nextRun } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const job = await submit(viewer);
  await job.ctx.checkpoint(1);
  await settled();
  const { append } = store.logs;
  let appended = 0;
  store.logs.append = () => {
    appended += 1;
    return new Promise(() => {});
  };
  void job.ctx.log.info("never durable");
  let saved = false;
  void job.ctx.checkpoint(2).then(() => {
    saved = true;
  });
  await settled();
  expect([appended, saved]).toEqual([1, false]);
  store.logs.append = append;
  const run = nextRun();
  start();
  expect((await run).ctx.lastCheckpoint).toBe(1);
});

test("checkpoints that nobody awaits are stored in the order of the calls", async () => {
  const { start, submit, nextRun } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const { ctx } = await submit(viewer);
  for (let i = 0; i < 5; i++) {
    void ctx.log.info(`${i}`);
    void ctx.checkpoint(i);
  }
  await settled();
  const run = nextRun();
  start();
  expect((await run).ctx.lastCheckpoint).toBe(4);
});

test("a checkpoint must be a JSON value of at most 1 MiB", async () => {
  const { start, submit } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const { ctx } = await submit(viewer);
  for (const value of [undefined, { step: 1n }]) {
    expect(() => ctx.checkpoint(value)).toThrow("must be a JSON value");
  }
  expect(() => ctx.checkpoint("ü".repeat(600_000))).toThrow("1 MiB");
});

test("R-8.4-1: a job that has streamed part of its result is not run again, however little of it is durable", async () => {
  for (const durable of [true, false]) {
    const { start, submit, store, runs } = machine();
    const before = new Viewer(start());
    const welcome = await greeted(before);
    const job = await submit(before);
    await settled();
    const { append } = store.logs;
    if (!durable) store.logs.append = () => new Promise(() => {});
    void job.ctx.result.write("a piece");
    await settled();
    store.logs.append = append;
    const after = new Viewer(start());
    await after.resume(welcome, 0);
    expect((await after.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
    expect(runs()).toBe(1);
  }
});

test("R-8.4-1 and J1: a job that has streamed is not run again, even if the index failed and the log did not", async () => {
  const { start, submit, store, runs } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await settled();
  const { update } = store.jobs;
  store.jobs.update = async () => {
    throw new Error("the index failed");
  };
  void job.ctx.result.write("a piece");
  await before.find(({ payload }) => payload.kind === "result_chunk");
  // The process ends before it retries the index.
  store.jobs.update = update;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  await settled();
  expect(runs()).toBe(1);
  expect((await after.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
});

test("R-7.4-2: a job whose cancel was acknowledged is not run again", async () => {
  const { start, submit, runs } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await before.reply(before.send("job.cancel", {}, { job_id: job.id }));
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  expect((await after.terminal(job.id)).payload.final_status).toBe("cancelled");
  expect(runs()).toBe(1);
});

test("R-7.4-7: the session that owns a job can cancel its second attempt too", async () => {
  const { start, submit, nextRun } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await settled();
  const run = nextRun();
  const after = new Viewer(start());
  await after.resume(welcome, 1);
  const { ctx } = await run;
  await after.reply(after.send("job.cancel", { reason: "enough" }, { job_id: job.id }));
  expect(ctx.signal.aborted).toBe(true);
});

test("R-7.3-6, R-9.5-5: setting the wall clock back between two processes extends neither runtime nor lease", async () => {
  const { start, submit, nextRun, clock } = machine();
  const before = new Viewer(start());
  const features = ["lease_expires_at"];
  const welcome = await before.hello(features);
  const expires_at = formatTimestamp(clock.now() + 100_000);
  const timed = await submit(before, { max_runtime_sec: 100 });
  const leased = await submit(before, { lease_constraints: { expires_at } });
  await settled();
  clock.jump(-3_600_000);
  const run = nextRun();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  await run;
  clock.advance(99_999);
  await settled();
  expect(after.stream.some(({ type }) => type === "job.error")).toBe(false);
  clock.advance(1);
  const ends = await Promise.all([timed, leased].map(({ id }) => after.terminal(id)));
  expect(ends.map(({ payload }) => payload.code)).toEqual(["TIMEOUT", "LEASE_EXPIRED"]);
});

test("R-7.3-6: a job's clock goes on while no process runs", async () => {
  const { start, submit, clock, runs, nextRun } = machine();
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before, { max_runtime_sec: 100 });
  await settled();
  clock.advance(60_000);
  const run = nextRun();
  start();
  const { ctx } = await run;
  clock.advance(39_999);
  expect(ctx.signal.aborted).toBe(false);
  await settled();
  clock.advance(1);
  expect(ctx.signal.aborted).toBe(true);
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  expect((await after.terminal(job.id)).payload.code).toBe("TIMEOUT");

  const late = await submit(after, { max_runtime_sec: 100 });
  await settled();
  clock.advance(100_000);
  const next = new Viewer(start());
  await next.hello();
  await next.reply(next.send("job.subscribe", { history: true }, { job_id: late.id }));
  expect((await next.terminal(late.id)).payload.code).toBe("TIMEOUT");
  expect(runs()).toBe(3);
});

test("R-8.2-1: tool calls get ids that no earlier attempt used", async () => {
  const { start, submit, nextRun } = machine();
  const tools = { echo: (args: unknown) => args };
  const before = new Viewer(start({ tools }));
  const welcome = await greeted(before);
  const job = await submit(before, { lease_request: { "tool.call": ["*"] } });
  for (let i = 0; i < 3; i++) await job.ctx.tools.call("echo", i);
  await settled();
  const run = nextRun();
  const after = new Viewer(start({ tools }));
  await after.resume(welcome, 0);
  const second = await run;
  for (let i = 0; i < 3; i++) await second.ctx.tools.call("echo", i);
  second.end(null);
  await after.terminal(job.id);
  const called = after.stream.filter(({ payload }) => payload.kind === "tool_call");
  expect(new Set(called.map(({ payload }) => payload.body.call_id)).size).toBe(6);
});

test("R-9.1-2: a second attempt has the lease of the first, whatever the workspace is by now", async () => {
  const { start, submit, nextRun } = machine();
  const before = new Viewer(start({ workspace: "/srv/first" }));
  await greeted(before);
  await submit(before, { lease_request: { "fs.read": ["notes/*"] } });
  await settled();
  const run = nextRun();
  start({ workspace: "/srv/second" });
  const { ctx } = await run;
  expect(() => ctx.authorize("fs.read", "/srv/first/notes/a")).not.toThrow();
  expect(() => ctx.authorize("fs.read", "/srv/second/notes/a")).toThrow("does not cover");
});

test("R-7.5-5: a job is run again only by the very agent that it was accepted for", async () => {
  for (const led of [{ version: "1.0.0" }, {}]) {
    const { start, submit, runs } = machine(led);
    const before = new Viewer(start());
    const welcome = await greeted(before);
    const job = await submit(before);
    await settled();
    const other = defineAgent({ name: "led", version: "1.0.1", attempts: 3, run: () => "wrong" });
    const after = new Viewer(start({ agents: [other] }));
    await after.resume(welcome, 0);
    expect((await after.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
    expect(runs()).toBe(1);
  }
});

test("an agent that no longer accepts the job's input does not get it", async () => {
  let takes = true;
  const input = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => (takes ? { value } : { issues: [{ message: "not today" }] }),
    },
  };
  const { start, submit, runs } = machine({ input });
  const before = new Viewer(start());
  const welcome = await greeted(before);
  const job = await submit(before);
  await settled();
  takes = false;
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  expect((await after.terminal(job.id)).payload).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(runs()).toBe(1);
});

test("R-9.6-11: no crash gives back what durable cost metrics have spent", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ cents: fc.integer({ min: 1, max: 9 }), turns: fc.nat(3) }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.nat(12),
      async (charges, crash) => {
        const { start, submit, store, nextRun } = machine();
        const viewer = new Viewer(start());
        await greeted(viewer);
        const job = await submit(viewer, { lease_request: { "cost.budget": ["USD:1.00"] } });
        await settled();
        for (const { cents, turns } of charges.slice(0, crash)) {
          void job.ctx.metric({ name: "cost.model", value: cents / 100, unit: "USD" });
          await settled(turns);
        }
        const run = nextRun();
        start();
        const { ctx } = await run;
        const page = await store.logs.read(ctx.job.id as never, 0, {
          records: 1000,
          characters: 1e9,
        });
        const spent = page.records
          .map(({ text }) => JSON.parse(`{${text}`).payload)
          .filter(({ body }) => body?.name === "cost.model")
          .reduce((sum, { body }) => sum + Math.round(body.value * 100), 0);
        expect(ctx.budget.remaining()).toEqual({
          USD: spent === 0 ? "1" : expect.stringMatching(/^\d/),
        });
        expect(Math.round(Number(ctx.budget.remaining()["USD"]) * 100)).toBe(100 - spent);
      },
    ),
    { numRuns: 60 },
  );
});

test("R-9.6-3: what was spent stays spent, even if the index failed where the log did not", async () => {
  const { start, submit, store, nextRun } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const job = await submit(viewer, { lease_request: { "cost.budget": ["USD:1.00"] } });
  await settled();
  const { update } = store.jobs;
  store.jobs.update = async () => {
    throw new Error("the index failed");
  };
  await job.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  await viewer.find(({ payload }) => payload.body?.name === "cost.model");
  // The process ends before it retries the index.
  store.jobs.update = update;
  const run = nextRun();
  start();
  expect((await run).ctx.budget.remaining()).toEqual({ USD: "0.75" });
});

test("R-9.6-3: what a child spent stays charged to its parent, even if the index failed where the logs did not", async () => {
  const { start, submit, store, nextRun } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const job = await submit(viewer, {
    lease_request: { "cost.budget": ["USD:1.00"], "agent.delegate": ["led"] },
  });
  const begun = nextRun();
  await job.ctx.delegate("led", null, { lease: { "cost.budget": ["USD:0.50"] } });
  const child = await begun;
  await settled();
  const { update } = store.jobs;
  store.jobs.update = async () => {
    throw new Error("the index failed");
  };
  await child.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  await child.ctx.flush();
  store.jobs.update = update;
  const run = nextRun();
  start();
  expect((await run).ctx.budget.remaining()).toEqual({ USD: "0.75" });
});

test("R-9.6-3: what was spent stays spent, even if the process ended between the records and their row's change", async () => {
  const { start, submit, store, nextRun } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const job = await submit(viewer, { lease_request: { "cost.budget": ["USD:1.00"] } });
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    await append.call(
      store.logs,
      batches.map((batch) => ({ ...batch, change: undefined })),
    );
    return new Promise(() => {});
  };
  void job.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  await settled();
  store.logs.append = append;
  const run = nextRun();
  start();
  expect((await run).ctx.budget.remaining()).toEqual({ USD: "0.75" });
});

test("a store that fails briefly keeps a charge consistent with its metric", async () => {
  const { start, submit, store, nextRun, clock } = machine();
  const viewer = new Viewer(start());
  await greeted(viewer);
  const job = await submit(viewer, { lease_request: { "cost.budget": ["USD:1.00"] } });
  await settled();
  const { update } = store.jobs;
  let failures = 0;
  store.jobs.update = async (id, change) => {
    if (change.remaining === undefined || failures === 2)
      return update.call(store.jobs, id, change);
    failures += 1;
    throw new Error("disk full");
  };
  // It stores the records, and fails before it stores the change that goes with them.
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    store.logs.append = append;
    await append.call(
      store.logs,
      batches.map((batch) => ({ ...batch, change: undefined })),
    );
    throw new Error("disk full");
  };
  void job.ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
  for (const pause of [20, 20, 100]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  expect(failures).toBe(2);
  const run = nextRun();
  start();
  expect((await run).ctx.budget.remaining()).toEqual({ USD: "0.75" });
});

test("a checkpoint resolves once the store has it, after everything emitted before", async () => {
  const { store, runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { ctx, end } = await start(viewer);
  await settled();
  store.held.logs.hold();
  store.held.jobs.hold();
  void ctx.thought("page 3");
  let isTaken = false;
  const taken = ctx.checkpoint({ page: 3 }).then(() => {
    isTaken = true;
  });
  await settled();
  expect([store.held.logs.waiting, store.held.jobs.waiting, isTaken]).toEqual([1, 0, false]);
  await store.held.logs.open();
  expect([store.held.jobs.waiting, isTaken]).toEqual([1, false]);
  await store.held.jobs.open();
  await taken;
  end();
});
