import { type JobId, LocalError, type ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { type HeldStore, settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { DamagedRow } from "../store/damage.ts";

const RETENTION_SEC = 60;
const PAUSE = 2000;

/** A job that its owner watches, and a store that refuses appends until `mend`. */
async function refusing(options: Parameters<typeof hosting>[0] = {}) {
  const rig = hosting({ ...options, limits: { retentionSec: RETENTION_SEC } });
  const owner = new Viewer(rig.runtime);
  await owner.hello();
  const job = await rig.start(owner);
  await settled();
  const { append } = rig.store.logs;
  rig.store.logs.append = () => Promise.reject(new Error("disk full"));
  const mend = (): void => {
    rig.store.logs.append = append;
  };
  return { ...rig, owner, job, mend };
}

/** Lets the pauses between attempts to store something pass. */
async function exhaust(clock: ManualClock): Promise<void> {
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
}

async function wait(clock: ManualClock): Promise<void> {
  clock.advance(PAUSE);
  await settled();
}

const terminals = (viewer: Viewer): readonly Frame[] =>
  viewer.frames.filter(({ type }) => type === "job.result" || type === "job.error");

async function loseIt({ job, clock }: { job: LedJob; clock: ManualClock }): Promise<void> {
  await job.ctx.log.info("never kept");
  await exhaust(clock);
  expect(job.ctx.signal.aborted).toBe(true);
}

const END = {
  type: "job.error",
  payload: {
    final_status: "error",
    code: "INTERNAL_ERROR",
    message: "the runtime could not store the job's events",
    retryable: true,
  },
};

async function statusOf(store: HeldStore, { id }: LedJob): Promise<string | undefined> {
  return (await store.jobs.get(id))?.status;
}

test("R-7.3-3, J3: a job that the store refused for too long ends, for all who wait, once the store accepts it", async () => {
  const rig = await refusing();
  const { runtime, store, clock, owner, job, mend } = rig;
  await loseIt(rig);
  const watcher = new Viewer(runtime);
  await watcher.hello();
  const { id: job_id } = job;
  await watcher.reply(watcher.send("job.subscribe", { job_id, history: true }, { job_id }));
  await wait(clock);
  expect([terminals(owner), terminals(watcher)]).toEqual([[], []]);
  expect(await statusOf(store, job)).toBe("running");
  mend();
  await wait(clock);
  for (const viewer of [owner, watcher]) {
    expect(await viewer.terminal(job_id)).toMatchObject(END);
    expect(viewer.seqs).toEqual(dense(2));
  }
  expect(await statusOf(store, job)).toBe("error");
  // It is kept like any other, and then removed.
  for (const viewer of [owner, watcher]) viewer.send("session.close", {});
  await settled();
  clock.advance(24 * 60 * 60 * 1000);
  await settled(100);
  expect(await statusOf(store, job)).toBe(undefined);
  await runtime.close();
});

test("J1: records that the store took although it reported a failure are not written twice, and the end follows them", async () => {
  const rig = await refusing();
  const { store, clock, owner, job, mend } = rig;
  mend();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    store.logs.append = () => Promise.reject(new Error("the connection broke"));
    await append(batches);
    throw new Error("before the answer came");
  };
  await loseIt(rig);
  store.logs.append = append;
  await wait(clock);
  expect(await owner.terminal(job.id)).toMatchObject({ ...END, job_seq: 3 });
  expect(owner.stream.map(({ job_seq }) => job_seq)).toEqual(dense(3));
});

test("R-7.4-2: a late ending after an acknowledged cancel is cancelled", async () => {
  const rig = await refusing();
  const { clock, owner, job, mend } = rig;
  const { id: job_id } = job;
  await owner.reply(owner.send("job.cancel", { reason: "enough" }, { job_id }));
  await loseIt(rig);
  // Until then, replies state the status to come.
  const again = await owner.reply(owner.send("job.cancel", {}, { job_id }));
  expect(again.payload.current_status).toBe("cancelled");
  mend();
  await wait(clock);
  expect((await owner.terminal(job_id)).payload).toMatchObject({
    final_status: "cancelled",
    code: "CANCELLED",
    message: "enough",
  });
});

test("J3: a job with its end in its log but not in the index gets it there, and no second end", async () => {
  const { store, clock, runtime, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    store.logs.append = append;
    await append(batches.map((batch) => ({ ...batch, change: undefined })));
    throw new Error("the connection broke");
  };
  const { update } = store.jobs;
  store.jobs.update = () => Promise.reject(new Error("disk full"));
  job.end("done");
  await exhaust(clock);
  await exhaust(clock);
  expect(await statusOf(store, job)).toBe("running");
  store.jobs.update = update;
  await wait(clock);
  expect(await statusOf(store, job)).toBe("success");
  expect(terminals(owner).map(({ type }) => type)).toEqual(["job.result"]);
});

test("J1, J3: an end that only the log took, behind records that it took likewise, is nobody else's", async () => {
  const rig = await refusing();
  const { store, clock, owner, job, mend } = rig;
  mend();
  const { append } = store.logs;
  // Takes the records, but nothing for the index, and reports a failure.
  const halfway: typeof append = async (batches) => {
    store.logs.append = () => Promise.reject(new Error("the connection broke"));
    await append(batches.map((batch) => ({ ...batch, change: undefined })));
    throw new Error("before the answer came");
  };
  store.logs.append = halfway;
  await loseIt(rig);
  store.logs.append = halfway;
  await wait(clock);
  expect(await statusOf(store, job)).toBe("running");
  store.logs.append = append;
  await wait(clock);
  expect(await owner.terminal(job.id)).toMatchObject({ ...END, job_seq: 3 });
  expect(await statusOf(store, job)).toBe("error");
});

/** What another runtime appends to the log of a job that has one record. */
function takeOver({ store, job }: { store: HeldStore; job: LedJob }): Promise<unknown> {
  const records = ["a", "b"].map((text) => ({ kind: "event", text: `"x":"${text}"}` }) as const);
  return store.logs.append([{ job: job.id, after: 1, records }]);
}

for (const [when, prepare] of Object.entries({
  "before its end is tried again": async (rig: Awaited<ReturnType<typeof refusing>>) => {
    rig.mend();
    expect(await takeOver(rig)).toEqual(["appended"]);
  },
  "while its end is tried again": async (rig: Awaited<ReturnType<typeof refusing>>) => {
    const { store, mend } = rig;
    store.logs.append = async (batches) => {
      mend();
      expect(await takeOver(rig)).toEqual(["appended"]);
      return store.logs.append(batches);
    };
  },
})) {
  test(`J1: a lost job that another runtime takes over ${when} is left to it, and its followers are told`, async () => {
    const rig = await refusing();
    const { runtime, store, clock, owner, job } = rig;
    const bystander = new Viewer(runtime);
    await bystander.hello();
    await loseIt(rig);
    await prepare(rig);
    await wait(clock);
    expect(await owner.ended).toMatchObject({ reason: "fault" });
    expect(owner.frames.at(-1)).toMatchObject({
      type: "session.error",
      payload: {
        code: "INTERNAL_ERROR",
        retryable: true,
        details: { reason: "job_taken_over", job_id: job.id },
      },
    });
    expect(terminals(owner)).toEqual([]);
    // It is still there, but not run here.
    const { id: job_id } = job;
    const subscribed = await bystander.reply(
      bystander.send("job.subscribe", { job_id }, { job_id }),
    );
    expect(subscribed.payload).toMatchObject({ current_status: "running", last_job_seq: 3 });
    await expect(runtime.jobs.cancel(job_id)).rejects.toMatchObject({
      details: { reason: "job_taken_over", job_id },
    });
    bystander.send("session.close", {});
    await settled();
    clock.advance(24 * 60 * 60 * 1000);
    await settled(100);
    expect(await statusOf(store, job)).toBe("running");
  });
}

test("J4: of many late endings only one at a time asks whether the store works again, and none blocks the others", async () => {
  const rig = await refusing();
  const { runtime, store, clock, start, mend } = rig;
  mend();
  const owner = new Viewer(runtime);
  await owner.hello();
  const jobs = [rig.job, await start(owner), await start(owner)];
  await settled();
  const { append } = store.logs;
  let asked = 0;
  store.logs.append = () => {
    asked += 1;
    return Promise.reject(new Error("disk full"));
  };
  for (const { ctx } of jobs) await ctx.log.info("never kept");
  await exhaust(clock);
  asked = 0;
  await wait(clock);
  expect(asked).toBe(1);
  store.logs.append = async (batches) => {
    if (batches[0]?.job === jobs[1]?.id) throw new Error("the connection broke");
    return append(batches);
  };
  await wait(clock);
  await wait(clock);
  const statuses = await Promise.all(jobs.map((job) => statusOf(store, job)));
  expect(statuses).toEqual(["error", "running", "error"]);
});

test("a closing runtime leaves late endings to the next process, and retries nothing", async () => {
  const rig = await refusing();
  const { runtime, store, clock, mend, job } = rig;
  await loseIt(rig);
  await runtime.close();
  mend();
  await wait(clock);
  expect(await statusOf(store, job)).toBe("running");
});

/** A store that has lost the job's row, and accepts nothing either. */
async function damagedAndRefusing() {
  const said: Array<{ level: number; msg: string }> = [];
  const logger = pino({ level: "error" }, { write: (line: string) => said.push(JSON.parse(line)) });
  const rig = await refusing({ logger });
  const { get, update } = rig.store.jobs;
  rig.store.jobs.get = (id) =>
    id === rig.job.id
      ? Promise.reject(new DamagedRow("nonsense", "alice"))
      : get.call(rig.store.jobs, id);
  rig.store.jobs.update = () => Promise.reject(new Error("disk full"));
  const mend = (): void => {
    rig.store.jobs.update = update;
    rig.mend();
  };
  return { ...rig, mend, said };
}

test("R-7.3-10: a job with an unreadable row ends by what is in memory of it", async () => {
  const rig = await damagedAndRefusing();
  const { clock, owner, job, mend } = rig;
  await loseIt(rig);
  for (let i = 0; i < 3; i++) await wait(clock);
  mend();
  await wait(clock);
  expect(await owner.terminal(job.id)).toMatchObject({ ...END, job_seq: 2 });
});

test("a damaged job whose end the store keeps refusing is not retried for ever, and whoever waits is told", async () => {
  const rig = await damagedAndRefusing();
  const { clock, owner, job, store, said } = rig;
  await loseIt(rig);
  let asked = 0;
  const refuse = store.logs.append;
  store.logs.append = (batches) => {
    asked += 1;
    return refuse.call(store.logs, batches);
  };
  said.length = 0;
  for (let i = 0; i < 30; i++) await wait(clock);
  expect(asked).toBe(10);
  const told = await owner.find(({ type }) => type === "session.error");
  expect(told.payload).toMatchObject({
    code: "JOB_NOT_FOUND",
    details: { reason: "job_damaged", job_id: job.id },
  });
  expect(said.filter(({ msg }) => msg.includes("the store accepts none"))).toHaveLength(1);
});

test("a store that refuses everything for long is tried less and less often, in the end once a minute", async () => {
  const rig = await refusing();
  const { clock, owner, job, store, mend } = rig;
  await loseIt(rig);
  const { append } = store.logs;
  let asked = 0;
  store.logs.append = (batches) => {
    asked += 1;
    return append.call(store.logs, batches);
  };
  for (let i = 0; i < 31; i++) await wait(clock);
  expect(asked).toBe(31);
  for (let i = 0; i < 300; i++) await wait(clock);
  expect(asked).toBeGreaterThan(31 + 8);
  expect(asked).toBeLessThan(31 + 16);
  store.logs.append = append;
  mend();
  for (let i = 0; i < 30; i++) await wait(clock);
  expect(await owner.terminal(job.id)).toMatchObject(END);
  // The next failure is the first one again.
  const next = await rig.start(owner);
  await settled();
  const { append: works } = store.logs;
  store.logs.append = append;
  await loseIt({ ...rig, job: next });
  store.logs.append = works;
  await wait(clock);
  expect(await owner.terminal(next.id)).toMatchObject(END);
});

test("a store that is closed is not asked again", async () => {
  const rig = await refusing();
  const { clock, store } = rig;
  await loseIt(rig);
  let asked = 0;
  store.logs.append = () => {
    asked += 1;
    return Promise.reject(new LocalError("CLOSED", "the store is closed"));
  };
  for (let i = 0; i < 3; i++) await wait(clock);
  expect(asked).toBe(1);
});

const MAY_DELEGATE = { lease_request: { "agent.delegate": ["led"] } };

/** A job that may delegate, and a store that accepts rows of jobs, but no records. */
async function delegating() {
  const said: unknown[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => said.push(JSON.parse(line)) });
  const rig = hosting({ logger });
  const owner = new Viewer(rig.runtime);
  await owner.hello([...ALL_FEATURES, "list_jobs"]);
  const parent = await rig.start(owner, MAY_DELEGATE);
  await settled();
  const rows = async () => (await rig.store.jobs.list({ limit: 9 })).map(({ id }) => id);
  const listed = async (): Promise<readonly string[]> => {
    const { payload } = await owner.reply(owner.send("session.list_jobs", {}));
    return payload.jobs.map(({ job_id }: { job_id: string }) => job_id);
  };
  const childId = async (): Promise<string> =>
    (await rig.store.jobs.list({ parent: parent.id, limit: 9 }))[0]?.id ?? "nobody";
  const { append } = rig.store.logs;
  const refuse = (): void => {
    rig.store.logs.append = () => Promise.reject(new Error("disk full"));
  };
  const mend = (): void => {
    rig.store.logs.append = append;
  };
  return { ...rig, owner, parent, rows, childId, listed, append, refuse, mend, said };
}

test("R-10-2: a child whose parent loses its log before announcing it never existed", async () => {
  const rig = await delegating();
  const { store, clock, owner, parent, begun } = rig;
  rig.refuse();
  const refused = expect(parent.ctx.delegate("led")).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
  });
  await exhaust(clock);
  await refused;
  const child = (await rig.childId()) as JobId;
  // Until the store tells whether the parent announced it, nobody learns that there may be a child.
  expect(await rig.listed()).toEqual([parent.id]);
  for (let i = 0; i < 3; i++) await wait(clock);
  expect((await rig.rows()).toSorted()).toEqual([parent.id, child].toSorted());
  const asked = owner.send("job.subscribe", { job_id: child, history: true }, { job_id: child });
  expect((await owner.reply(asked)).payload.code).toBe("JOB_NOT_FOUND");
  rig.mend();
  await wait(clock);
  await wait(clock);
  expect(await owner.terminal(parent.id)).toMatchObject(END);
  await settled();
  expect(await rig.rows()).toEqual([parent.id]);
  expect((await store.logs.read(child, 0, { records: 1, characters: 1 })).head).toBe(0);
  expect(owner.frames.filter(({ job_id }) => job_id === child)).toEqual([]);
  expect(begun.size).toBe(1);
  expect(rig.said).toContainEqual(
    expect.objectContaining({
      msg: "a delegated job is forgotten: its parent's log does not mention it",
      job: child,
      parent: parent.id,
    }),
  );
  await rig.runtime.close();
});

test("J4: a lost parent's log is read once for all of its children", async () => {
  const rig = await delegating();
  const { store, clock, parent } = rig;
  rig.refuse();
  const attempts = [1, 2, 3].map(() => expect(parent.ctx.delegate("led")).rejects.toThrow());
  await exhaust(clock);
  await Promise.all(attempts);
  expect(await rig.rows()).toHaveLength(4);
  rig.mend();
  let reads = 0;
  const { read } = store.logs;
  store.logs.read = (job, after, limits) => {
    if (job === parent.id && after === 0 && limits.records > 1) reads += 1;
    return read(job, after, limits);
  };
  await wait(clock);
  await wait(clock);
  expect(await rig.rows()).toEqual([parent.id]);
  expect(reads).toBe(1);
});

test.each([
  ["everything", () => true],
  ["what its parent says", (job: JobId, parent: JobId) => job === parent],
])(
  "R-10-2: a child whose parent ends while the store refuses %s never existed",
  async (_, refused) => {
    const rig = await delegating();
    const { clock, owner, parent } = rig;
    rig.store.logs.append = async (batches) => {
      const full = batches.some(
        ({ job, records }) => records.length > 0 && refused(job, parent.id),
      );
      if (full) throw new Error("disk full");
      return rig.append(batches);
    };
    const attempt = expect(parent.ctx.delegate("led")).rejects.toThrow();
    await settled();
    parent.end("done");
    await exhaust(clock);
    // The child's records come after that.
    await exhaust(clock);
    await attempt;
    expect(await rig.listed()).toEqual([parent.id]);
    rig.mend();
    await wait(clock);
    await wait(clock);
    expect(await owner.terminal(parent.id)).toMatchObject(END);
    await settled();
    expect(await rig.rows()).toEqual([parent.id]);
  },
);

test("R-10-2, J1: a child whose parent is taken over before announcing it never existed, whatever the parent's end", async () => {
  const rig = await delegating();
  const { store, clock, parent } = rig;
  const theirs = [{ kind: "event", text: '"x":"theirs"' }] as const;
  expect(await store.logs.append([{ job: parent.id, after: 1, records: theirs }])).toEqual([
    "appended",
  ]);
  await expect(parent.ctx.delegate("led")).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  expect(await rig.rows()).toHaveLength(2);
  await wait(clock);
  expect(await rig.rows()).toEqual([parent.id]);
  expect((await store.jobs.get(parent.id))?.status).toBe("running");
});

test("R-10-2: a child that its lost parent turns out to have announced has its acceptance and its end", async () => {
  const rig = await delegating();
  const { store, clock, owner, parent } = rig;
  store.logs.append = async (batches) => {
    rig.refuse();
    await rig.append(batches);
    throw new Error("the connection broke");
  };
  const refused = expect(parent.ctx.delegate("led")).rejects.toThrow();
  await exhaust(clock);
  await refused;
  rig.mend();
  await wait(clock);
  await wait(clock);
  const child = await rig.childId();
  expect((await owner.terminal(child)).payload).toMatchObject({
    code: "CANCELLED",
    details: { reason: "parent_ended" },
  });
  await owner.terminal(parent.id);
  const told = owner.frames.map(({ type, job_id, payload }) => [type, job_id, payload.kind]);
  expect(told).toContainEqual(["job.accepted", child, undefined]);
  expect(told.findIndex(([, , kind]) => kind === "delegate")).toBeLessThan(
    told.findIndex(([type, job]) => type === "job.accepted" && job === child),
  );
  expect(owner.seqs).toEqual(dense(owner.seqs.length));
});

test("R-7.2-6: the key of a client's child whose parent lost its log is free again", async () => {
  const rig = await delegating();
  const { clock, owner, parent } = rig;
  rig.refuse();
  const payload = { agent: "led", idempotency_key: "once" };
  const submit = owner.send("job.submit", { ...payload, parent_job_id: parent.id });
  await exhaust(clock);
  expect((await owner.reply(submit)).payload.code).toBe("INTERNAL_ERROR");
  rig.mend();
  await wait(clock);
  await wait(clock);
  await owner.terminal(parent.id);
  await settled();
  expect(await rig.rows()).toEqual([parent.id]);
  const again = await owner.reply(owner.send("job.submit", payload));
  expect(again.type).toBe("job.accepted");
});
