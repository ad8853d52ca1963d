import type { JobId, ManualClock, SessionId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosts } from "../test/hosts.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../test/viewer.ts";
import { recordStems, writeRecord } from "./jobs/record.ts";

/** Milliseconds between two attempts to recover a job that could not be recovered at the start. */
const PAUSE = 2000;

const LEASE = { lease_request: { "agent.delegate": ["led"] } };

type Logged = { readonly level: number; readonly msg: string; readonly job?: string };

function machine({ attempts = 1 } = {}) {
  const logged: Logged[] = [];
  const logger = pino(
    { level: "info" },
    { write: (line: string) => logged.push(JSON.parse(line)) },
  );
  const rig = hosts({ led: { attempts }, logger });
  const warnings = () => logged.filter(({ level }) => level > 30).map(({ msg }) => msg);
  return { ...rig, logged, warnings };
}

type Machine = ReturnType<typeof machine>;

/** Lets the pauses go by after which a call has been given up. */
async function exhaust(clock: ManualClock): Promise<void> {
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
}

async function wait(clock: ManualClock): Promise<void> {
  clock.advance(PAUSE);
  await settled(40);
}

/** Makes the calls about one job fail, until the result is called. */
function refuse(
  { store }: Machine,
  job: string,
  calls: readonly ("read" | "append")[],
): () => void {
  const { read, append } = store.logs;
  const failure = new Error("no connection to that shard");
  store.logs.read = (id, ...rest) =>
    id === job && calls.includes("read")
      ? Promise.reject(failure)
      : read.call(store.logs, id, ...rest);
  store.logs.append = (batches) =>
    batches.some((batch) => batch.job === job) && calls.includes("append")
      ? Promise.reject(failure)
      : append.call(store.logs, batches);
  return () => Object.assign(store.logs, { read, append });
}

/** Holds what recovers a job, until the result is called. */
function hold({ store }: Machine, job: string): () => void {
  const { read } = store.logs;
  const gate = Promise.withResolvers<void>();
  store.logs.read = async (id, after, limits) => {
    if (id === job && limits.records === 0) await gate.promise;
    return read.call(store.logs, id, after, limits);
  };
  return gate.resolve;
}

/** Two clients with a job each, and then a crash. */
async function crashed(rig: Machine) {
  const before = rig.start();
  const [one, other] = [new Viewer(before), new Viewer(before)];
  const welcomes = { one: await one.hello(), other: await other.hello() };
  const job = await rig.submit(one, { idempotency_key: "k" });
  const bystander = await rig.submit(other);
  await settled();
  return { welcomes, job: job.id, bystander: bystander.id };
}

const heads = async ({ store }: Machine, job: string) =>
  (await store.logs.read(job as JobId, 0, { records: 0, characters: 0 })).head;

const statusOf = async ({ store }: Machine, job: string) =>
  (await store.jobs.get(job as JobId))?.status;

/** How a runtime answers a client that comes back, if it does so by now. */
async function answered(viewer: Viewer): Promise<Frame | undefined> {
  await settled(40);
  return viewer.frames[0];
}

test("R-7.3-10: jobs are recovered many at a time, and not one call behind the other", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.start());
  await viewer.hello();
  for (let i = 0; i < 40; i++) await rig.submit(viewer);
  await settled();
  const { read } = rig.store.logs;
  const reads: PromiseWithResolvers<void>[] = [];
  const asked = new Set<string>();
  rig.store.logs.read = async (job, ...rest) => {
    const held = Promise.withResolvers<void>();
    if (!asked.has(job)) {
      asked.add(job);
      reads.push(held);
      await held.promise;
    }
    return read.call(rig.store.logs, job, ...rest);
  };
  const runtime = rig.start();
  await settled();
  expect(reads).toHaveLength(32);
  reads[31]?.resolve();
  await settled();
  expect(reads).toHaveLength(33);
  for (let i = 0; i < 40; i++) {
    reads[i]?.resolve();
    await settled(5);
  }
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  const ended = await rig.store.jobs.list({ statuses: ["error"], limit: 99 });
  expect(ended).toHaveLength(40);
});

for (const first of ["parent", "child"] as const) {
  for (const told of [true, false]) {
    test(`R-10-2, R-7.3-10: it does not matter that the ${first} is recovered first; announced: ${told}`, async () => {
      const rig = machine();
      const before = new Viewer(rig.start());
      const welcome = await before.hello();
      const parent = await rig.submit(before, LEASE);
      await settled();
      const { append } = rig.store.logs;
      rig.store.logs.append = async (batches) => {
        if (told) await append.call(rig.store.logs, batches);
        return new Promise(() => {});
      };
      void parent.ctx.delegate("led");
      await settled();
      rig.store.logs.append = append;
      const [child] = await rig.store.jobs.list({ parent: parent.id as JobId, limit: 9 });
      if (child === undefined) throw new Error("unreachable");
      const [early, late] = first === "parent" ? [parent.id, child.id] : [child.id, parent.id];
      const release = hold(rig, late);
      const runtime = rig.start();
      await settled();
      expect(await statusOf(rig, late)).toMatch(/running|pending/);
      expect((await statusOf(rig, early)) ?? "gone").not.toMatch(/running|pending/);
      release();
      const after = new Viewer(runtime);
      await after.resume(welcome, 1);
      await after.terminal(parent.id);
      await settled();
      expect(await statusOf(rig, parent.id)).toBe("error");
      expect(await statusOf(rig, child.id)).toBe(told ? "cancelled" : undefined);
      const announced = after.frames.filter(({ type }) => type === "job.accepted");
      expect(announced).toHaveLength(told ? 1 : 0);
    });
  }
}

test("a store that is not there for a moment when the runtime starts is waited for, and nothing is lost", async () => {
  const rig = machine({ attempts: 2 });
  const { welcomes, job } = await crashed(rig);
  const { jobs, logs, sessions, credentials } = rig.store;
  let isThere = false;
  for (const part of [jobs, logs, sessions, credentials]) {
    for (const name of ["list", "read", "get", "runs"]) {
      const call: unknown = Reflect.get(part, name);
      if (typeof call !== "function") continue;
      Reflect.set(part, name, (...asked: unknown[]) =>
        isThere ? call.apply(part, asked) : Promise.reject(new Error("no connection")),
      );
    }
  }
  const run = rig.nextRun();
  const runtime = rig.start();
  const back = new Viewer(runtime);
  const resumed = back.resume(welcomes.one, 1);
  await settled();
  rig.clock.advance(20);
  expect(await answered(back)).toBeUndefined();
  isThere = true;
  rig.clock.advance(100);
  expect((await resumed).type).toBe("session.welcome");
  expect((await run).ctx.attempt).toBe(2);
  expect(await statusOf(rig, job)).toBe("running");
  expect(rig.warnings()).toEqual([]);
});

test("R-7.3-10: a job whose calls the store refuses harms nobody else, and is restarted once it can be", async () => {
  const rig = machine({ attempts: 2 });
  const { welcomes, job, bystander } = await crashed(rig);
  const mend = refuse(rig, job, ["read"]);
  const run = rig.nextRun();
  const runtime = rig.start();
  await exhaust(rig.clock);
  // Now the same for the session that has to read it.
  await exhaust(rig.clock);
  const other = new Viewer(runtime);
  expect((await other.resume(welcomes.other, 1)).type).toBe("session.welcome");
  expect((await run).ctx.job.id).toBe(bystander);
  // What its own session has seen of it is unknown.
  const back = new Viewer(runtime);
  expect((await back.resume(welcomes.one, 1)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(rig.warnings()).toEqual([
    "a job cannot be recovered yet",
    "a session cannot be read and is forgotten: its client has to open another one",
    "an opening request was refused",
  ]);
  // Its key is used: nothing runs a second time.
  const again = new Viewer(runtime);
  await again.hello();
  const refused = await again.submit("led", null, { idempotency_key: "k" });
  expect(refused.payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
  mend();
  const late = rig.nextRun();
  await wait(rig.clock);
  const { ctx, end } = await late;
  expect(ctx).toMatchObject({ job: { id: job }, attempt: 2 });
  const accepted = await again.submit("led", null, { idempotency_key: "k" });
  expect(accepted).toMatchObject({ type: "job.accepted", job_id: job });
  end("done");
  expect((await again.terminal(job)).payload.result).toBe("done");
  expect(rig.runs()).toBe(4);
});

test("R-7.2-8: who adopts a job while it is recovered late owns it, and learns of what it delegates", async () => {
  const rig = machine({ attempts: 2 });
  const before = new Viewer(rig.start());
  await before.hello();
  const { id: job } = await rig.submit(before, { idempotency_key: "k", ...LEASE });
  await settled();
  const mend = refuse(rig, job, ["read"]);
  const runtime = rig.start();
  // Once for the job, and once for its session, which is forgotten.
  await exhaust(rig.clock);
  await exhaust(rig.clock);
  const heir = new Viewer(runtime);
  const { session_id } = await heir.hello();
  mend();
  const late = rig.nextRun();
  const { get } = rig.store.jobs;
  const release = Promise.withResolvers<void>();
  let calls = 0;
  rig.store.jobs.get = async (id) => {
    const row = await get.call(rig.store.jobs, id);
    calls += 1;
    // The second call loads its input.
    if (calls === 2) await release.promise;
    return row;
  };
  await wait(rig.clock);
  expect(calls).toBe(2);
  const accepted = await heir.submit("led", null, { idempotency_key: "k", ...LEASE });
  expect(accepted).toMatchObject({ type: "job.accepted", job_id: job });
  release.resolve();
  const { ctx } = await late;
  const child = await ctx.delegate("led");
  await settled();
  const told = heir.frames.filter(({ job_id }) => job_id === child.id);
  expect(told[0]).toMatchObject({ type: "job.accepted", session_id });
  expect(await runtime.jobs.get(child.id)).toMatchObject({ session: session_id });
});

test("R-7.3-10, J3: a job whose end the store refuses can be watched, and ends once the store accepts that", async () => {
  const rig = machine();
  const { welcomes, job } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const runtime = rig.start();
  await exhaust(rig.clock);
  const back = new Viewer(runtime);
  expect((await back.resume(welcomes.one, 1)).type).toBe("session.welcome");
  const watcher = new Viewer(runtime);
  await watcher.hello([...ALL_FEATURES, "list_jobs"]);
  const again = await watcher.submit("led", null, { idempotency_key: "k" });
  expect(again).toMatchObject({ type: "job.accepted", job_id: job });
  const subscribed = await watcher.reply(watcher.send("job.subscribe", { job_id: job }));
  expect(subscribed.payload).toMatchObject({ current_status: "running", last_job_seq: 1 });
  const { payload: listed } = await watcher.reply(watcher.send("session.list_jobs", {}));
  expect(listed.jobs).toContainEqual(
    expect.objectContaining({ job_id: job, status: "running", last_job_seq: 1 }),
  );
  const cancelled = await back.reply(back.send("job.cancel", { job_id: job }));
  expect(cancelled.payload).toMatchObject({
    code: "INTERNAL_ERROR",
    details: { reason: "job_stranded", job_id: job },
  });
  await expect(runtime.jobs.cancel(job)).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  const stranger = new Viewer(runtime);
  await stranger.hello(undefined, "other");
  const hidden = await stranger.reply(stranger.send("job.subscribe", { job_id: job }));
  expect(hidden.payload.code).toBe("JOB_NOT_FOUND");
  await wait(rig.clock);
  expect(await statusOf(rig, job)).toBe("running");
  mend();
  await wait(rig.clock);
  // The first attempt after the last failure.
  await wait(rig.clock);
  for (const viewer of [back, watcher]) {
    const { payload } = await viewer.terminal(job);
    expect(payload).toMatchObject({ code: "INTERNAL_ERROR", final_status: "error" });
  }
  expect(await heads(rig, job)).toBe(2);
  const last = await back.reply(back.send("job.cancel", { job_id: job }));
  expect(last.payload.current_status).toBe("error");
  expect(rig.runs()).toBe(2);
  // It is kept like any other, and then removed.
  for (const viewer of [back, watcher]) viewer.send("session.close", {});
  await settled();
  rig.clock.advance(8 * 24 * 60 * 60 * 1000);
  await settled(100);
  expect(await statusOf(rig, job)).toBeUndefined();
});

test("J1: a stranded job that another runtime takes over while it is recovered is left to it", async () => {
  const rig = machine();
  const { job } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const runtime = rig.start();
  await exhaust(rig.clock);
  mend();
  const { append } = rig.store.logs;
  const records = [{ kind: "event", text: '"x":"theirs"}' }] as const;
  rig.store.logs.append = async (batches) => {
    rig.store.logs.append = append;
    await append.call(rig.store.logs, [{ job: job as JobId, after: 1, records }]);
    return append.call(rig.store.logs, batches);
  };
  await wait(rig.clock);
  expect(await heads(rig, job)).toBe(2);
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const told = await viewer.reply(viewer.send("job.subscribe", { job_id: job }));
  expect(told.payload).toMatchObject({ current_status: "running", last_job_seq: 2 });
  await expect(runtime.jobs.cancel(job)).rejects.toMatchObject({
    details: { reason: "job_taken_over" },
  });
});

test("R-7.3-10: an operator is told that a job is not recovered yet, also if the store refuses its row", async () => {
  const rig = machine({ attempts: 2 });
  const { job } = await crashed(rig);
  const { get } = rig.store.jobs;
  rig.store.jobs.get = (id) =>
    id === job ? Promise.reject(new Error("busy")) : get.call(rig.store.jobs, id);
  const runtime = rig.start();
  await exhaust(rig.clock);
  await expect(runtime.jobs.cancel(job)).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    details: { reason: "job_stranded", job_id: job },
  });
});

test("R-14-2: who waits for a job that is removed before it is recovered learns that it is gone", async () => {
  const rig = machine();
  const { welcomes, job } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const runtime = rig.start();
  await exhaust(rig.clock);
  const back = new Viewer(runtime);
  await back.resume(welcomes.one, 1);
  mend();
  await rig.store.logs.remove(job as JobId);
  await rig.store.jobs.remove(job as JobId);
  await wait(rig.clock);
  expect(back.frames.at(-1)).toMatchObject({
    type: "session.error",
    payload: { code: "RESUME_WINDOW_EXPIRED", retryable: false },
  });
});

test("R-6.6-5, R-7.6-2: a job whose log the store refuses keeps no other from being listed, and is hidden from strangers as ever", async () => {
  const rig = machine();
  const { job, bystander } = await crashed(rig);
  refuse(rig, job, ["read"]);
  const runtime = rig.start({ policy: { mayObserve: () => false } });
  await exhaust(rig.clock);
  await exhaust(rig.clock);
  const again = new Viewer(runtime);
  await again.hello([...ALL_FEATURES, "list_jobs"]);
  const { payload } = await again.reply(again.send("session.list_jobs", {}));
  expect(payload.jobs).toHaveLength(2);
  const entry = (id: string) => payload.jobs.find(({ job_id }: Frame) => job_id === id);
  expect(entry(job)).toMatchObject({ status: "running", agent: expect.any(String) });
  expect(entry(job)).not.toHaveProperty("last_job_seq");
  expect(entry(bystander)).toMatchObject({ status: "error", last_job_seq: 2 });
  const stranger = new Viewer(runtime);
  await stranger.hello(undefined, "other");
  for (const verb of ["job.subscribe", "job.cancel"]) {
    const refused = await stranger.reply(stranger.send(verb, { job_id: job }));
    expect(refused.payload).toMatchObject({ code: "JOB_NOT_FOUND" });
    const own = await again.reply(again.send(verb, { job_id: job }));
    expect(own.payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
  }
});

/** A parent and a child that was stored but has not begun, and then a crash. The store refuses calls about one of them. */
async function delegated(
  rig: Machine,
  told: boolean,
  calls: (parent: string, child: string) => () => void,
) {
  const before = new Viewer(rig.start());
  const welcome = await before.hello([...ALL_FEATURES, "list_jobs"]);
  const parent = await rig.submit(before, { ...LEASE, idempotency_key: "k" });
  await settled();
  const { append } = rig.store.logs;
  rig.store.logs.append = async (batches) => {
    if (told) await append.call(rig.store.logs, batches);
    return new Promise(() => {});
  };
  void parent.ctx.delegate("led");
  await settled();
  rig.store.logs.append = append;
  const [child] = await rig.store.jobs.list({ parent: parent.id as JobId, limit: 9 });
  if (child === undefined) throw new Error("unreachable");
  const mend = calls(parent.id, child.id);
  const runtime = rig.start();
  await exhaust(rig.clock);
  return { welcome, runtime, parent: parent.id, child: child.id, mend };
}

test("R-10-2: a stranded job that may never have been announced is shown to nobody", async () => {
  const rig = machine();
  const { runtime, parent, child, mend } = await delegated(rig, false, (log) =>
    refuse(rig, log, ["read"]),
  );
  await exhaust(rig.clock);
  const viewer = new Viewer(runtime);
  await viewer.hello([...ALL_FEATURES, "list_jobs"]);
  const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
  expect(payload.jobs).toMatchObject([{ job_id: parent }]);
  for (const verb of ["job.subscribe", "job.cancel"]) {
    const refused = await viewer.reply(viewer.send(verb, { job_id: child }));
    expect(refused.payload.details).toEqual({ reason: "job_stranded", job_id: child });
  }
  mend();
  await wait(rig.clock);
  await wait(rig.clock);
  expect(await statusOf(rig, parent)).toBe("error");
  const gone = await viewer.reply(viewer.send("job.subscribe", { job_id: child }));
  expect(gone.payload.code).toBe("JOB_NOT_FOUND");
});

test("R-10-2: a stranded job that was announced is announced to its owner again, and ends later", async () => {
  const rig = machine();
  const { welcome, runtime, parent, child, mend } = await delegated(rig, true, (_, log) =>
    refuse(rig, log, ["append"]),
  );
  const back = new Viewer(runtime);
  await back.resume(welcome, 1);
  await back.terminal(parent);
  expect(back.frames.map(({ type, job_id }) => [type, job_id])).toEqual([
    ["session.welcome", undefined],
    ["job.accepted", child],
    ["job.event", parent],
    ["job.error", parent],
  ]);
  mend();
  await wait(rig.clock);
  expect((await back.terminal(child)).payload.final_status).toBe("cancelled");
});

test("R-10-2, R-7.2-8: a stranded job that was announced is announced to a new owner too", async () => {
  const rig = machine();
  const { welcome, runtime, parent, child, mend } = await delegated(rig, true, (_, log) =>
    refuse(rig, log, ["append"]),
  );
  await runtime.sessions.end(`${welcome.session_id}`);
  const heir = new Viewer(runtime);
  await heir.hello();
  await heir.submit("led", null, { ...LEASE, idempotency_key: "k" });
  await heir.terminal(parent);
  mend();
  await wait(rig.clock);
  await heir.terminal(child);
  expect(heir.frames.slice(1).map(({ type, job_id }) => [type, job_id])).toEqual([
    ["job.accepted", parent],
    ["job.event", parent],
    ["job.event", parent],
    ["job.accepted", child],
    ["job.error", parent],
    ["job.error", child],
  ]);
});

test("R-7.3-10: a job that had not begun can be watched while it is stranded, and so can a delegated one that had", async () => {
  const rig = machine();
  const before = new Viewer(rig.start());
  await before.hello();
  const parent = await rig.submit(before, LEASE);
  const { id: begun } = await parent.ctx.delegate("led");
  await settled();
  const { append } = rig.store.logs;
  rig.store.logs.append = () => new Promise(() => {});
  const { job_id: pending } = await before.submit("led", null);
  rig.store.logs.append = append;
  refuse(rig, begun, ["append"]);
  refuse(rig, `${pending}`, ["append"]);
  const runtime = rig.start();
  await exhaust(rig.clock);
  const viewer = new Viewer(runtime);
  await viewer.hello([...ALL_FEATURES, "list_jobs"]);
  const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
  const stranded = [
    { job_id: begun, status: "running" },
    { job_id: pending, status: "pending" },
  ];
  expect(payload.jobs).toHaveLength(3);
  for (const { job_id, status } of stranded) {
    expect(payload.jobs).toContainEqual(expect.objectContaining({ job_id, status }));
    const told = await viewer.reply(viewer.send("job.subscribe", { job_id }));
    expect(told).toMatchObject({ type: "job.subscribed", payload: { current_status: status } });
  }
});

test("R-7.3-10: a job that can be recovered again waits for one attempt of each job that cannot, and no longer pauses", async () => {
  const rig = machine();
  const { order } = await crowded(rig);
  const last = order.jobs.at(-1)?.id ?? "";
  const { append } = rig.store.logs;
  let isBack = false;
  rig.store.logs.append = async (batches) => {
    if (!isBack || batches.some(({ job }) => job !== last)) throw new Error("no connection");
    return append.call(rig.store.logs, batches);
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  rig.clock.advance(20);
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  isBack = true;
  for (let i = 0; i < order.jobs.length; i++) await wait(rig.clock);
  expect(await statusOf(rig, last)).toBe("error");
});

/** More jobs than anybody should have to wait for, one by one, and then a crash. */
async function manyJobs(rig: Machine) {
  const viewer = new Viewer(rig.start());
  await viewer.hello();
  for (let i = 0; i < 200; i++) await rig.submit(viewer);
  await settled();
  return (await rig.store.jobs.list({ limit: 999 })).map(({ id }) => id);
}

test("R-7.3-10: a job that can be recovered again is, at the next pause, however many logs before it cannot be read", async () => {
  const rig = machine();
  const jobs = await manyJobs(rig);
  const last = jobs.at(-1) ?? "";
  const { read } = rig.store.logs;
  let isBack = false;
  let asked = 0;
  rig.store.logs.read = async (id, ...rest) => {
    if (!jobs.includes(id) || (isBack && id === last))
      return read.call(rig.store.logs, id, ...rest);
    asked += 1;
    throw new Error("no connection to that shard");
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  for (let i = 0; i < 20; i++) {
    rig.clock.advance(20);
    await settled();
  }
  // Now the same for the session.
  await exhaust(rig.clock);
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  isBack = true;
  rig.clock.advance(PAUSE);
  await settled(200);
  expect(await statusOf(rig, last)).toBe("error");
  // The others are tried less and less often, each by itself, and in the end once a minute.
  const rounds: number[] = [];
  for (let minute = 0; minute < 5; minute++) {
    asked = 0;
    for (let i = 0; i < 30; i++) {
      rig.clock.advance(PAUSE);
      await settled(100);
    }
    rounds.push(asked / (jobs.length - 1));
  }
  expect(rounds[0]).toBeLessThanOrEqual(10);
  expect(rounds.at(-1)).toBeLessThanOrEqual(2);
});

test("R-7.3-10: a store that is down as a whole is asked for one job per pause, and then recovers all at once", async () => {
  const rig = machine();
  const jobs = await manyJobs(rig);
  const { append, read } = rig.store.logs;
  rig.store.logs.append = () => Promise.reject(new Error("disk full"));
  const runtime = rig.start();
  await exhaust(rig.clock);
  for (let i = 0; i < 10; i++) {
    rig.clock.advance(20);
    await settled();
  }
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  let asked = 0;
  rig.store.logs.read = () => {
    asked += 1;
    return Promise.reject(new Error("no connection"));
  };
  for (let i = 0; i < 40; i++) {
    asked = 0;
    await wait(rig.clock);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(6);
  }
  Object.assign(rig.store.logs, { append, read });
  rig.clock.advance(PAUSE);
  await settled(200);
  expect(await rig.store.jobs.list({ statuses: ["error"], limit: 999 })).toHaveLength(jobs.length);
});

test("R-7.3-10: a job whose end the store accepts again is not kept waiting by each one whose end it refuses", async () => {
  const rig = machine();
  const jobs = await manyJobs(rig);
  const { append } = rig.store.logs;
  let isBack = false;
  let asked = 0;
  rig.store.logs.append = async (batches) => {
    if (isBack && batches.every(({ job }) => job === jobs.at(-1))) {
      return append.call(rig.store.logs, batches);
    }
    asked += 1;
    throw new Error("no connection to that shard");
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  for (let i = 0; i < 10; i++) {
    rig.clock.advance(20);
    await settled();
  }
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  isBack = true;
  const perPause: number[] = [];
  for (let i = 0; i < 11; i++) {
    asked = 0;
    await wait(rig.clock);
    perPause.push(asked);
  }
  expect(await statusOf(rig, jobs.at(-1) ?? "")).toBe("error");
  // It may be the whole store that refuses them.
  expect(perPause.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 32]);
  expect(Math.max(...perPause)).toBe(32);
});

test("a store that refuses all it is asked for is waited for once, and then the runtime has failed", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.start());
  await viewer.hello();
  for (let i = 0; i < 100; i++) await rig.submit(viewer);
  await settled();
  let asked = 0;
  const failure = new Error("no connection");
  rig.store.logs.read = () => {
    asked += 1;
    return Promise.reject(failure);
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  expect(await runtime.failed).toBe(failure);
  expect(await rig.store.jobs.list({ statuses: ["running"], limit: 200 })).toHaveLength(100);
  // 32 jobs at a time were tried five times each, and then two other logs.
  expect(asked).toBeLessThanOrEqual(32 * 7);
});

test("R-6.3-20: a store that fails while sessions are restored costs none of them", async () => {
  const rig = machine();
  await crashed(rig);
  const { logs, sessions } = rig.store;
  const { list } = sessions;
  const { read } = logs;
  const failure = new Error("no connection");
  let isOut = false;
  sessions.list = () => {
    isOut = true;
    return list.call(sessions);
  };
  logs.read = (...args) => (isOut ? Promise.reject(failure) : read.apply(logs, args));
  const runtime = rig.start();
  await exhaust(rig.clock);
  expect(await runtime.failed).toBe(failure);
  expect(await list.call(sessions)).toHaveLength(2);
});

test("a runtime whose start fails leaves no timer of those who waited for it", async () => {
  const rig = machine();
  await crashed(rig);
  rig.store.logs.read = () => Promise.reject(new Error("no connection"));
  // The clock has the timers of the process that crashed, too.
  const before = rig.clock.pending;
  const runtime = rig.start();
  const waiting = new Viewer(runtime);
  void waiting.hello();
  await exhaust(rig.clock);
  await runtime.failed;
  expect(await answered(waiting)).toMatchObject({ payload: { code: "INTERNAL_ERROR" } });
  expect(rig.clock.pending).toBe(before);
});

test("a store that refuses the ends of all jobs holds the start up only once", async () => {
  const rig = machine();
  const viewer = new Viewer(rig.start());
  const welcome = await viewer.hello();
  for (let i = 0; i < 100; i++) await rig.submit(viewer);
  await settled();
  const { append } = rig.store.logs;
  rig.store.logs.append = () => Promise.reject(new Error("disk full"));
  const runtime = rig.start();
  await exhaust(rig.clock);
  // Of the jobs behind the first 32, each is tried once more: 68 jobs, 32 at a time.
  for (let i = 0; i < 3; i++) {
    rig.clock.advance(20);
    await settled();
  }
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 1)).type).toBe("session.welcome");
  rig.store.logs.append = append;
  await wait(rig.clock);
  expect(await rig.store.jobs.list({ statuses: ["error"], limit: 200 })).toHaveLength(100);
});

/** More clients with a job each than are taken over at a time, and then a crash. */
async function crowded(rig: Machine) {
  const before = rig.start();
  const welcomes = new Map<string | undefined, Frame>();
  for (let i = 0; i < 34; i++) {
    const viewer = new Viewer(before);
    const welcome = await viewer.hello();
    welcomes.set(welcome.session_id, welcome);
    await rig.submit(viewer);
  }
  await settled();
  const { sessions, jobs } = rig.store;
  /** The only job of a session. */
  const jobOf = async (session: SessionId | undefined): Promise<JobId> => {
    const [row] = await jobs.list({ session, limit: 1 });
    if (row === undefined) throw new Error("unreachable");
    return row.id;
  };
  const order = { sessions: await sessions.list(), jobs: await jobs.list({ limit: 99 }) };
  return { welcomes, jobOf, order };
}

for (const call of ["a session's row", "a log", "the log that tells whose failure it is"]) {
  test(`R-6.3-20: after one log was refused for good, a single rejection of ${call} harms nobody`, async () => {
    const rig = machine();
    const { welcomes, jobOf, order } = await crowded(rig);
    const [bad, last] = [order.sessions[0], order.sessions.at(-1)];
    const [job, bystander] = [await jobOf(bad), await jobOf(last)];
    refuse(rig, job, ["read"]);
    const { logs, sessions } = rig.store;
    const { read } = logs;
    const { runs, attachments } = sessions;
    const isKnown = (id: JobId) => order.jobs.some((row) => row.id === id);
    let isDue = call.startsWith("the log");
    const once = async (isIt: boolean): Promise<void> => {
      if (!isIt || !isDue) return;
      isDue = false;
      throw new Error("connection reset");
    };
    logs.read = async (id, ...rest) => {
      await once(call === "a log" ? id === bystander : !isKnown(id));
      return read.call(logs, id, ...rest);
    };
    sessions.attachments = async (id) => {
      await once(call === "a session's row" && id === last);
      return attachments.call(sessions, id);
    };
    const turn = Promise.withResolvers<void>();
    sessions.runs = async (id) => {
      if (id !== bad) await turn.promise;
      return runs.call(sessions, id);
    };
    const runtime = rig.start();
    await exhaust(rig.clock);
    await exhaust(rig.clock);
    // The first session has been given up, and the last one has not been begun.
    if (!call.startsWith("the log")) isDue = true;
    turn.resolve();
    await settled();
    expect(isDue).toBe(false);
    rig.clock.advance(20);
    const welcome = welcomes.get(last);
    if (welcome === undefined) throw new Error("unreachable");
    const back = new Viewer(runtime);
    expect((await back.resume(welcome, 1)).type).toBe("session.welcome");
    await back.terminal(bystander);
    expect(runtime.sessions.list()).toHaveLength(33);
  });
}

test("R-7.3-10: after one job was refused for good, a single rejection strands no other", async () => {
  const rig = machine();
  const { order } = await crowded(rig);
  const [bad = "", last = ""] = [order.jobs[0]?.id, order.jobs.at(-1)?.id];
  refuse(rig, bad, ["append"]);
  const { append, read } = rig.store.logs;
  const turn = Promise.withResolvers<void>();
  const isOther = (id: JobId) => id !== bad && order.jobs.some((row) => row.id === id);
  rig.store.logs.read = async (id, ...rest) => {
    if (isOther(id)) await turn.promise;
    return read.call(rig.store.logs, id, ...rest);
  };
  let rejected = 0;
  rig.store.logs.append = async (batches) => {
    if (batches.some((batch) => batch.job === last) && rejected++ === 0) {
      throw new Error("connection reset");
    }
    return append.call(rig.store.logs, batches);
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  turn.resolve();
  await settled();
  expect(rejected).toBe(1);
  rig.clock.advance(20);
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  expect(await statusOf(rig, last)).toBe("error");
  expect(rig.warnings()).toEqual(["a job cannot be recovered yet"]);
});

for (const phase of ["jobs are recovered", "sessions are restored"]) {
  for (const end of ["after a while", "just before the store is asked whose failure it is"]) {
    test(`R-6.3-20: after one log was refused for good, an outage while ${phase} that ends ${end} harms nobody`, async () => {
      const rig = machine();
      const { welcomes, jobOf, order } = await crowded(rig);
      const ofJobs = phase.startsWith("jobs");
      const bad = ofJobs ? undefined : order.sessions[0];
      const job = ofJobs ? order.jobs[0]?.id : await jobOf(bad);
      refuse(rig, job ?? "", ofJobs ? ["append"] : ["read"]);
      const { logs, sessions } = rig.store;
      const { read } = logs;
      const { runs } = sessions;
      const turn = Promise.withResolvers<void>();
      let isDown = false;
      logs.read = async (id, ...rest) => {
        const isKnown = order.jobs.some((row) => row.id === id);
        if (ofJobs && isKnown && id !== job) await turn.promise;
        if (isDown && !isKnown && end.startsWith("just")) isDown = false;
        if (isDown) throw new Error("no connection");
        return read.call(logs, id, ...rest);
      };
      sessions.runs = async (id) => {
        if (!ofJobs && id !== bad) await turn.promise;
        return runs.call(sessions, id);
      };
      const runtime = rig.start();
      await exhaust(rig.clock);
      if (!ofJobs) await exhaust(rig.clock);
      isDown = true;
      turn.resolve();
      for (const pause of [20, 100, 500]) {
        await settled();
        rig.clock.advance(pause);
      }
      await settled();
      isDown = false;
      rig.clock.advance(2000);
      await settled();
      const gone = ofJobs ? [] : [bad];
      for (const [session, welcome] of welcomes) {
        if (gone.some((id) => id === session)) continue;
        const back = new Viewer(runtime);
        expect((await back.resume(welcome, 1)).type).toBe("session.welcome");
      }
      const unfinished = await rig.store.jobs.list({ statuses: ["running"], limit: 99 });
      expect(unfinished.map(({ id }) => id)).toEqual([job]);
      expect(rig.warnings()).toHaveLength(ofJobs ? 1 : 2);
    });
  }
}

test("a start fails if the store answers nothing for three seconds, even after one job alone was refused", async () => {
  const rig = machine();
  const { order } = await crowded(rig);
  const bad = order.jobs[0]?.id ?? "";
  refuse(rig, bad, ["append"]);
  const { read } = rig.store.logs;
  const turn = Promise.withResolvers<void>();
  const failure = new Error("no connection");
  let isDown = false;
  rig.store.logs.read = async (id, ...rest) => {
    if (id !== bad && order.jobs.some((row) => row.id === id)) await turn.promise;
    if (isDown) throw failure;
    return read.call(rig.store.logs, id, ...rest);
  };
  const runtime = rig.start();
  await exhaust(rig.clock);
  isDown = true;
  turn.resolve();
  let isOver = false;
  void runtime.failed.then(() => {
    isOver = true;
  });
  await settled();
  rig.clock.advance(2619);
  await settled();
  expect(isOver).toBe(false);
  await exhaust(rig.clock);
  expect(await runtime.failed).toBe(failure);
  expect(await rig.store.jobs.list({ statuses: ["running"], limit: 99 })).toHaveLength(34);
});

test("R-6.3-11: the resume windows of a start that takes longer than they do begin when it is over", async () => {
  const rig = machine();
  const { welcomes, job } = await crashed(rig);
  refuse(rig, job, ["read"]);
  const runtime = rig.start({ limits: { resumeWindowSec: 1 } });
  // Once for the job, and once for its session, while the other one is restored.
  await exhaust(rig.clock);
  await exhaust(rig.clock);
  const other = new Viewer(runtime);
  expect((await other.resume(welcomes.other, 1)).type).toBe("session.welcome");
  const last = new Viewer(runtime);
  other.sever();
  await settled();
  rig.clock.advance(1000);
  await settled();
  const refused = await last.resume(welcomes.other, 1);
  expect(refused.payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test("R-14-1: a session that owns a stranded job is not given up for a new one, nor disconnected because it is idle", async () => {
  const rig = machine();
  const { welcomes, job, bystander } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const idleSec = 5;
  const runtime = rig.start({ limits: { sessionsPerPrincipal: 2, idleSec } });
  await exhaust(rig.clock);
  expect(await statusOf(rig, bystander)).toBe("error");
  const third = new Viewer(runtime);
  expect((await third.hello()).type).toBe("session.welcome");
  const gone = new Viewer(runtime);
  const expired = await gone.resume(welcomes.other, 1);
  expect(expired.payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const back = new Viewer(runtime);
  expect((await back.resume(welcomes.one, 1)).type).toBe("session.welcome");
  for (let i = 0; i < 6; i++) {
    rig.clock.advance(2500);
    await settled();
  }
  expect(await third.ended).toMatchObject({ reason: "going-away" });
  expect(back.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  mend();
  for (let i = 0; i < 3; i++) await wait(rig.clock);
  expect((await back.terminal(job)).payload.code).toBe("INTERNAL_ERROR");
  // It is over now, so that its session is one like any other.
  back.sever();
  await settled();
  for (let i = 0; i < 2; i++) {
    expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  }
});

test("R-7.2-8: a stranded job that is adopted belongs to the new owner, whose session is kept", async () => {
  const rig = machine();
  const { welcomes, job } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const runtime = rig.start({ limits: { sessionsPerPrincipal: 2 } });
  await exhaust(rig.clock);
  await runtime.sessions.end(welcomes.one.session_id ?? "");
  const heir = new Viewer(runtime);
  const welcome = await heir.hello();
  expect(await heir.submit("led", null, { idempotency_key: "k" })).toMatchObject({ job_id: job });
  heir.sever();
  await settled();
  // The heir has waited for longer.
  const other = new Viewer(runtime);
  await other.resume(welcomes.other, 1);
  other.sever();
  await settled();
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 0)).type).toBe("session.welcome");
  mend();
  await wait(rig.clock);
  await back.terminal(job);
  back.sever();
  await settled();
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
});

test("R-7.2-5, R-6.3-20: who comes while a job is recovered is answered afterwards, and the job of a key is that one", async () => {
  const rig = machine({ attempts: 2 });
  const { welcomes, job } = await crashed(rig);
  const release = hold(rig, job);
  const runtime = rig.start();
  const back = new Viewer(runtime);
  const resumed = back.resume(welcomes.one, 1);
  const other = new Viewer(runtime);
  const greeted = other.hello();
  const request = other.send("job.submit", { agent: "led", input: null, idempotency_key: "k" });
  expect([await answered(back), await answered(other)]).toEqual([undefined, undefined]);
  release();
  expect((await resumed).type).toBe("session.welcome");
  expect((await greeted).type).toBe("session.welcome");
  expect(await other.reply(request)).toMatchObject({ type: "job.accepted", job_id: job });
  await settled();
  expect(rig.runs()).toBe(4);
  expect(await rig.store.jobs.list({ limit: 9 })).toHaveLength(2);
});

test("a runtime that closes while it recovers jobs leaves them to the next one, and uses no attempt up", async () => {
  const rig = machine({ attempts: 2 });
  const { welcomes, job, bystander } = await crashed(rig);
  const release = hold(rig, job);
  const runtime = rig.start();
  await settled();
  const closed = runtime.close();
  await settled();
  rig.clock.advance(5000);
  await settled();
  release();
  await closed;
  expect(rig.runs()).toBe(2);
  const jobs = [job, bystander];
  const started = new Set<string>();
  const next = rig.start();
  const back = new Viewer(next);
  expect((await back.resume(welcomes.one, 1)).type).toBe("session.welcome");
  await settled();
  for (const id of jobs) {
    expect(await next.jobs.get(id)).toMatchObject({ status: "running", attempt: 2 });
    started.add(id);
  }
  expect(rig.runs()).toBe(4);
});

test("J1, P5: what another runtime has taken over meanwhile is left to it, and everything else continues", async () => {
  const rig = machine();
  const { welcomes, job, bystander } = await crashed(rig);
  const { append } = rig.store.logs;
  const stems = recordStems(job as JobId, "0".repeat(32));
  const payload = JSON.stringify({ kind: "log", body: { message: "rival" } });
  const said = writeRecord({ stems, jobSeq: 2, kind: "event", type: "job.event", payload });
  rig.store.logs.append = async (batches) => {
    if (batches.some((batch) => batch.job === job)) {
      rig.store.logs.append = append;
      await append.call(rig.store.logs, [{ job: job as JobId, after: 1, records: [said] }]);
    }
    return append.call(rig.store.logs, batches);
  };
  const runtime = rig.start();
  const other = new Viewer(runtime);
  await other.resume(welcomes.other, 1);
  await other.terminal(bystander);
  expect(await heads(rig, job)).toBe(2);
  expect(await statusOf(rig, job)).toBe("running");
  expect(rig.warnings()).toEqual(["another runtime has taken over a job"]);
  const again = await other.submit("led", null, { idempotency_key: "k" });
  expect(again).toMatchObject({ type: "job.accepted", job_id: job });
  expect(rig.runs()).toBe(2);
  const owner = new Viewer(runtime);
  await owner.resume(welcomes.one, 1);
  const cancel = () => owner.reply(owner.send("job.cancel", { job_id: job }));
  const refusal = { code: "INTERNAL_ERROR", details: { reason: "job_taken_over", job_id: job } };
  expect((await cancel()).payload).toMatchObject(refusal);
  await expect(runtime.jobs.cancel(job)).rejects.toMatchObject(refusal);
  // That one ends it.
  const text = JSON.stringify({ final_status: "success" });
  const end = writeRecord({
    stems,
    jobSeq: 3,
    kind: "terminal",
    type: "job.result",
    payload: text,
  });
  const change = { status: "success", finishedAt: 1 } as const;
  await append.call(rig.store.logs, [{ job: job as JobId, after: 2, records: [end], change }]);
  expect(await cancel()).toMatchObject({
    type: "job.cancelled",
    payload: { current_status: "success" },
  });
  expect(await runtime.jobs.cancel(job)).toBe(false);
});

test("J1: who follows a job that another runtime takes over before it is recovered late is told, and disconnected", async () => {
  const rig = machine();
  const { welcomes, job } = await crashed(rig);
  const mend = refuse(rig, job, ["append"]);
  const runtime = rig.start();
  await exhaust(rig.clock);
  const [owner, bystander] = [new Viewer(runtime), new Viewer(runtime)];
  await owner.resume(welcomes.one, 1);
  await bystander.resume(welcomes.other, 1);
  mend();
  const { append } = rig.store.logs;
  const stems = recordStems(job as JobId, "0".repeat(32));
  const payload = JSON.stringify({ kind: "log", body: { message: "rival" } });
  const said = writeRecord({ stems, jobSeq: 2, kind: "event", type: "job.event", payload });
  rig.store.logs.append = async (batches) => {
    rig.store.logs.append = append;
    await append.call(rig.store.logs, [{ job: job as JobId, after: 1, records: [said] }]);
    return append.call(rig.store.logs, batches);
  };
  await wait(rig.clock);
  expect(await owner.ended).toMatchObject({ reason: "fault" });
  expect(owner.frames.at(-1)).toMatchObject({
    type: "session.error",
    payload: { code: "INTERNAL_ERROR", details: { reason: "job_taken_over", job_id: job } },
  });
  expect(bystander.frames.map(({ type }) => type)).not.toContain("session.error");
  for (let i = 0; i < 5; i++) await wait(rig.clock);
  expect(await heads(rig, job)).toBe(2);
});

test("P5: a session that another runtime takes over while it is restored is left to that one", async () => {
  const rig = machine();
  const before = rig.start();
  const [owner, watcher] = [new Viewer(before), new Viewer(before)];
  const welcome = await owner.hello();
  const { session_id } = await watcher.hello();
  const id = session_id as SessionId;
  const { id: job } = await rig.submit(owner);
  await watcher.reply(watcher.send("job.subscribe", { job_id: job, history: true }));
  await settled();
  // Its end counts as read, which is not stored yet: that is what restoring the watcher changes.
  const end = writeRecord({
    stems: recordStems(job as JobId, "0".repeat(32)),
    jobSeq: 2,
    kind: "terminal",
    type: "job.result",
    payload: JSON.stringify({ final_status: "success" }),
  });
  await rig.store.logs.append([{ job: job as JobId, after: 1, records: [end] }]);
  const { commit, claim, get } = rig.store.sessions;
  rig.store.sessions.commit = async (session, epoch, change) => {
    if (session === id) await claim.call(rig.store.sessions, id, epoch, ["theirs"]);
    return commit.call(rig.store.sessions, session, epoch, change);
  };
  const runtime = rig.start();
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 1)).type).toBe("session.welcome");
  expect(runtime.sessions.get(id)).toBeUndefined();
  expect(await get.call(rig.store.sessions, id)).toMatchObject({ epoch: 2, tokens: ["theirs"] });
  expect(rig.warnings()).toEqual(["another runtime has taken over a session"]);
});

test("the operator is told what was taken over, and which jobs have no agent any more", async () => {
  const rig = machine({ attempts: 2 });
  const { job, bystander } = await crashed(rig);
  rig.logged.length = 0;
  const runtime = rig.start({ agents: [] });
  await runtime.jobs.get(job);
  const [first, second] = [job, bystander].sort();
  const msg = "a job is not restarted: its agent is not registered";
  expect(rig.logged).toMatchObject([
    { level: 40, msg, agent: "led", job: first },
    { level: 40, msg, agent: "led", job: second },
    {
      level: 30,
      msg: "what the previous process left is taken over",
      jobs: 2,
      restarted: 0,
      sessions: 2,
    },
  ]);
});

test("R-14-2: of a principal above its limit, logs are read many at a time, and one that cannot be read harms nobody", async () => {
  const rig = machine();
  const before = new Viewer(rig.start());
  await before.hello();
  const jobs: string[] = [];
  for (let i = 0; i < 40; i++) {
    const job = await rig.submit(before);
    job.end("done");
    await before.terminal(job.id);
    jobs.push(job.id);
  }
  before.send("session.close", {});
  await before.ended;
  await settled();
  const { read } = rig.store.logs;
  let underWay = 0;
  let most = 0;
  rig.store.logs.read = async (job, ...rest) => {
    if (job === jobs[0]) throw new Error("no connection to that shard");
    underWay += 1;
    most = Math.max(most, underWay);
    await settled(1);
    underWay -= 1;
    return read.call(rig.store.logs, job, ...rest);
  };
  const runtime = rig.start({ limits: { finishedJobsPerPrincipal: 30 } });
  // First for the session, and then to find out whether the job is half gone.
  for (let i = 0; i < 2; i++) await exhaust(rig.clock);
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(32);
  rig.store.logs.read = read;
  await settled(100);
  expect(await rig.store.jobs.list({ limit: 99 })).toHaveLength(30);
});
