import { type JobId, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { FakeUpstream } from "../../test/fake-upstream.ts";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import { allowAnonymous } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import { memoryStore } from "../store/memory-store.ts";

type Rig = ReturnType<typeof hosting>;

const KEYED = { idempotency_key: "k" };
const DAY = 24 * 60 * 60 * 1000;

async function greeted({ runtime }: Pick<Rig, "runtime">, token = "secret") {
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello(ALL_FEATURES, token);
  return { viewer, welcome };
}

/** Ends a session for good. */
async function gone({ clock }: Rig, viewer: Viewer) {
  viewer.sever();
  await settled();
  clock.advance(600_000);
  await settled();
}

const payloadOf = ({ payload: { request_id: _, ...rest } }: Frame) => rest;
const jobSeqs = (viewer: Viewer) => viewer.stream.map(({ job_seq }) => job_seq);

test.each([10, 20])(
  "R-7.2-5: %i concurrent submits with one key, from two sessions, make one job",
  async (count) => {
    const rig = hosting();
    const { viewer: a } = await greeted(rig);
    const { viewer: b } = await greeted(rig);
    rig.store.held.jobs.hold();
    const sent = Array.from({ length: count }, (_, i) => {
      const viewer = i % 2 === 0 ? a : b;
      return { viewer, id: viewer.send("job.submit", { agent: "led", input: { i: 1 }, ...KEYED }) };
    });
    await settled();
    expect(rig.store.held.jobs.waiting).toBe(1);
    await rig.store.held.jobs.open();
    const replies = await Promise.all(sent.map(({ viewer, id }) => viewer.reply(id)));
    expect(new Set(replies.map(({ type }) => type))).toEqual(new Set(["job.accepted"]));
    expect(new Set(replies.map((reply) => JSON.stringify(payloadOf(reply)))).size).toBe(1);
    expect(replies.map(({ payload }) => payload.request_id)).toEqual(sent.map(({ id }) => id));
    expect(await rig.store.jobs.list({ limit: 100 })).toHaveLength(1);
    expect(rig.begun.size).toBeLessThanOrEqual(1);
  },
);

test("R-14-2: a subscription that a session has just ended makes room for the job of a submit right after it", async () => {
  const rig = hosting({ limits: { subscriptionsPerSession: 1 } });
  const { viewer: owner } = await greeted(rig);
  const followed = await rig.start(owner);
  const { payload } = await owner.reply(owner.send("job.submit", { agent: "led", ...KEYED }));
  const { viewer } = await greeted(rig);
  const about = { job_id: followed.id };
  await viewer.reply(viewer.send("job.subscribe", about, about));
  // While a batch is being built, no subscription ends.
  rig.store.held.sessions.hold();
  await followed.ctx.thought("on");
  await settled();
  viewer.send("job.unsubscribe", about, about);
  const retry = viewer.send("job.submit", { agent: "led", ...KEYED });
  await settled();
  await rig.store.held.sessions.open();
  expect(await viewer.reply(retry)).toMatchObject({
    type: "job.accepted",
    payload: { job_id: payload["job_id"] },
  });
});

test("R-14-2: concurrent submits let a session follow no more of others' jobs than it may", async () => {
  const rig = hosting({ limits: { subscriptionsPerSession: 1 } });
  const { viewer: owner } = await greeted(rig);
  const keys = ["k1", "k2", "k3"].map((key) => ({ idempotency_key: key }));
  for (const key of keys) await rig.start(owner, key);
  const { viewer } = await greeted(rig);
  const sent = keys.map((key) => viewer.send("job.submit", { agent: "led", ...key }));
  const replies = await Promise.all(sent.map((id) => viewer.reply(id)));
  expect(replies.map(({ type, payload }) => payload.details?.reason ?? type)).toEqual([
    "job.accepted",
    "subscriptions_per_session",
    "subscriptions_per_session",
  ]);
});

test("R-5.4-5, R-12-1: a submit whose effect could not be stored is refused in its place, without the store's error", async () => {
  const rig = hosting();
  const { viewer: owner } = await greeted(rig);
  await rig.start(owner, KEYED);
  const { viewer } = await greeted(rig);
  const { commit } = rig.store.sessions;
  const stored = Promise.withResolvers<never>();
  rig.store.sessions.commit = (id, epoch, change) =>
    change.attach === undefined ? commit(id, epoch, change) : stored.promise;
  const sent = [KEYED, {}].map((key) => viewer.send("job.submit", { agent: "led", ...key }));
  await settled();
  stored.reject(new Error("the disk is full"));
  const [refused] = await Promise.all(sent.map((id) => viewer.reply(id)));
  expect(refused?.payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
  expect(JSON.stringify(refused)).not.toContain("disk");
  const answers = viewer.frames.flatMap(({ payload }) => payload.request_id ?? []);
  expect(answers).toEqual(sent);
});

test("R-7.2-8: a job whose owner goes while a submit with its key waits gets the submitting session as owner", async () => {
  const rig = hosting();
  const { viewer: owner, welcome: left } = await greeted(rig);
  const followed = await rig.start(owner);
  const { payload } = await owner.reply(owner.send("job.submit", { agent: "led", ...KEYED }));
  const { viewer, welcome } = await greeted(rig);
  const about = { job_id: followed.id };
  rig.store.held.reads.hold();
  viewer.send("job.subscribe", { ...about, history: true }, about);
  const retry = viewer.send("job.submit", { agent: "led", ...KEYED });
  await settled();
  await rig.runtime.sessions.end(left.session_id ?? "");
  await rig.store.held.reads.open();
  expect((await viewer.reply(retry)).type).toBe("job.accepted");
  expect(await rig.runtime.jobs.get(payload["job_id"])).toMatchObject({
    session: welcome.session_id,
  });
});

test("R-7.2-9, R-14-3: a job whose time is up while a submit with its key awaits its reply is kept until the reply", async () => {
  const checked = Promise.withResolvers<void>();
  const validate = (value: unknown) => checked.promise.then(() => ({ value }));
  const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const rig = hosting({ agents: [defineAgent({ name: "slow", input, run: () => null })] });
  const { viewer: owner } = await greeted(rig);
  const job = await rig.start(owner, KEYED);
  job.end("done");
  await owner.terminal(job.id);
  rig.clock.advance(DAY - 1000);
  await settled();
  const { viewer } = await greeted(rig);
  viewer.send("job.submit", { agent: "slow" });
  const retry = viewer.send("job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  rig.clock.advance(60_000);
  await settled();
  checked.resolve();
  expect((await viewer.reply(retry)).job_id).toBe(job.id);
  expect((await viewer.terminal(job.id)).payload.result).toBe("done");
  // But not for ever.
  viewer.sever();
  rig.clock.advance(DAY);
  await settled();
  expect(await rig.store.jobs.get(job.id)).toBeUndefined();
});

test("R-7.2-5, R-7.2-6: when the first of them is refused, the next one is decided by itself", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const { insert } = rig.store.jobs;
  let failing = true;
  rig.store.jobs.insert = (row) => {
    if (!failing) return insert(row);
    failing = false;
    return Promise.reject(new Error("disk full"));
  };
  const submit = () => viewer.submit("led", null, KEYED);
  const [first, second, third] = await Promise.all([submit(), submit(), submit()]);
  expect(first?.payload.code).toBe("INTERNAL_ERROR");
  expect(second?.type).toBe("job.accepted");
  expect(third?.job_id).toBe(second?.job_id);
});

test("R-7.2-6, R-7.1-1: a rejected submit reserves nothing; a used key is refused before the agent is looked up", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const bad = [
    await viewer.submit("nobody", null, KEYED),
    await viewer.submit("led@", null, KEYED),
    await viewer.submit("led", null, { ...KEYED, lease_request: { "fs.read": ["a***"] } }),
  ];
  expect(bad.map(({ payload }) => payload.code)).toEqual([
    "AGENT_NOT_AVAILABLE",
    "INVALID_REQUEST",
    "INVALID_REQUEST",
  ]);
  await rig.start(viewer, KEYED);
  expect((await viewer.submit("nobody", null, KEYED)).payload.code).toBe("DUPLICATE_KEY");
  expect((await viewer.submit("led@", null, KEYED)).payload.code).toBe("INVALID_REQUEST");
});

test("R-7.2-1: the same key of another principal is a different key", async () => {
  const rig = hosting();
  const { viewer: alice } = await greeted(rig);
  const { viewer: bob } = await greeted(rig, "other");
  const hers = await rig.start(alice, KEYED);
  const his = await bob.submit("led", { other: "input" }, KEYED);
  expect(his.type).toBe("job.accepted");
  expect(his.job_id).not.toBe(hers.id);
});

test("R-7.2-8, R-6.3-8: a retry in another session whose reply is lost learns of the job before its events", async () => {
  const rig = hosting();
  const { viewer: owner } = await greeted(rig);
  const { job_id = "" } = await owner.submit("led", null, KEYED);
  const { ctx, end } = await (rig.begun.get(job_id)?.promise ?? Promise.reject());
  await ctx.log.info("one");
  await ctx.flush();
  const { viewer: lost, welcome } = await greeted(rig);
  await lost.submit("led", null, KEYED);
  await settled();
  expect(jobSeqs(lost)).toEqual(jobSeqs(owner));
  lost.sever();
  end("done");
  await owner.terminal(job_id);

  const back = new Viewer(rig.runtime);
  const again = await back.resume(welcome, 0);
  await back.terminal(job_id);
  const told = back.frames.map(({ type }) => type).filter((type) => type.startsWith("job."));
  expect(told.slice(0, 2)).toEqual(["job.accepted", "job.event"]);
  expect(jobSeqs(back)).toEqual(jobSeqs(owner));
  expect(told.filter((type) => type === "job.accepted")).toHaveLength(1);
  back.sever();

  // A client that has seen one of its events has been told of the job.
  const later = new Viewer(rig.runtime);
  await later.resume(again, 1);
  await later.terminal(job_id);
  expect(later.frames.map(({ type }) => type)).not.toContain("job.accepted");
});

test("R-7.2-3, R-7.2-8: a retry in another session gets the first acceptance and all history, and starts no run", async () => {
  const rig = hosting();
  const { viewer: owner } = await greeted(rig);
  const { job_id = "", ...first } = await owner.submit(
    "led",
    { a: 1 },
    { ...KEYED, lease_request: { "cost.budget": ["EUR:2"] } },
  );
  await settled();
  const { ctx, end } = await (rig.begun.get(job_id)?.promise ?? Promise.reject());
  await ctx.metric({ name: "cost.x", value: 1.5, unit: "EUR" });
  await ctx.flush();
  await settled();
  const { viewer } = await greeted(rig);
  const again = await viewer.submit(
    "led",
    { a: 1 },
    { ...KEYED, lease_request: { "cost.budget": ["EUR:2"] } },
  );
  expect(payloadOf(again)).toEqual(payloadOf(first as Frame));
  expect(again.payload.budget).toEqual({ EUR: 2 });
  await settled();
  expect(jobSeqs(viewer)).toEqual(jobSeqs(owner));
  const refused = await viewer.reply(viewer.send("job.cancel", {}, { job_id }));
  expect(refused.payload.code).toBe("PERMISSION_DENIED");
  // The owner's own retry adds nothing to what it follows.
  await owner.submit("led", { a: 1 }, { ...KEYED, lease_request: { "cost.budget": ["EUR:2"] } });
  end("done");
  await Promise.all([owner.terminal(job_id), viewer.terminal(job_id)]);
  expect(jobSeqs(viewer)).toEqual(jobSeqs(owner));
  expect(new Set(jobSeqs(owner)).size).toBe(owner.stream.length);
  expect(rig.begun.size).toBe(1);
});

test("R-7.2-9: a retry of a finished job is followed by its end again, for the owner and for others", async () => {
  const rig = hosting();
  const { viewer: owner } = await greeted(rig);
  const job = await rig.start(owner, KEYED);
  job.end("done");
  const end = await owner.terminal(job.id);
  for (const [i, viewer] of [owner, owner, (await greeted(rig)).viewer].entries()) {
    const before = viewer.stream.length;
    expect((await viewer.submit("led", null, KEYED)).job_id).toBe(job.id);
    await settled();
    const copies = viewer.stream.slice(before);
    expect(copies.at(-1)).toMatchObject({ type: "job.result", id: end.id, payload: end.payload });
    expect(copies).toHaveLength(i < 2 ? 1 : 2);
    expect(viewer.seqs).toEqual(viewer.seqs.map((_, index) => index + 1));
  }
  expect(rig.begun.size).toBe(1);
});

test("R-7.2-9: a retry just as the job ends gets the end exactly once", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer, KEYED);
  await settled();
  rig.store.held.logs.hold();
  job.end("done");
  const request = viewer.send("job.submit", { agent: "led", ...KEYED });
  await settled();
  expect(viewer.frames.some(({ payload }) => payload.request_id === request)).toBe(false);
  await rig.store.held.logs.open();
  await viewer.reply(request);
  await settled();
  const ends = viewer.stream.filter(({ type }) => type === "job.result");
  const place = viewer.frames.findIndex(({ payload }) => payload.request_id === request);
  // Sent before the acceptance, it is sent again after it; otherwise it is sent once.
  expect(viewer.frames.slice(place).some(({ type }) => type === "job.result")).toBe(true);
  expect(ends.length).toBeLessThanOrEqual(2);
});

test("R-7.2-9: a retry between sending the end and the store's confirmation repeats nothing but the end", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer, KEYED);
  await settled();
  const { append } = rig.store.logs;
  const stored = Promise.withResolvers<void>();
  rig.store.logs.append = async (batches) => {
    const outcomes = await append(batches);
    await stored.promise;
    return outcomes;
  };
  // Its reply waits for that of the submit in front of it.
  rig.store.held.jobs.hold();
  viewer.send("job.submit", { agent: "led" });
  const retry = viewer.send("job.submit", { agent: "led", input: null, ...KEYED });
  await settled();
  // In one batch with the end.
  void job.ctx.thought("the last one");
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  const shown = jobSeqs(viewer);
  await rig.store.held.jobs.open();
  await viewer.reply(retry);
  stored.resolve();
  await settled();
  const own = viewer.stream.filter(({ job_id }) => job_id === job.id);
  expect(own.map(({ job_seq }) => job_seq)).toEqual([...shown, shown.at(-1)]);
});

test("R-7.2-4: a key reused with other parameters is refused, and affects nobody", async () => {
  const rig = hosting();
  const { viewer: owner } = await greeted(rig);
  const { viewer: watcher } = await greeted(rig);
  const job = await rig.start(owner, KEYED);
  await watcher.submit("led", null, KEYED);
  await settled();
  const before = [owner.frames.length, watcher.frames.length];
  const { viewer } = await greeted(rig);
  for (const other of [{ input: 1 }, { max_runtime_sec: 5 }, { lease_request: {} }]) {
    const { type, payload } = await viewer.submit("led", null, { ...KEYED, ...other });
    expect({ type, code: payload.code }).toEqual({ type: "session.error", code: "DUPLICATE_KEY" });
  }
  await settled();
  expect([owner.frames.length, watcher.frames.length]).toEqual(before);
  expect(viewer.stream).toEqual([]);
  job.end("done");
  await Promise.all([owner.terminal(job.id), watcher.terminal(job.id)]);
});

test("R-7.2-8, R-7.4-7: the first retry after the owning session is gone makes its session owner, the next does not", async () => {
  const rig = hosting();
  const { viewer: first } = await greeted(rig);
  const job = await rig.start(first, KEYED);
  await job.ctx.thought("1");
  await settled();
  await gone(rig, first);
  const { viewer: heir, welcome } = await greeted(rig);
  const { viewer: late } = await greeted(rig);
  const [adopted, watched] = await Promise.all([
    heir.submit("led", null, KEYED),
    late.submit("led", null, KEYED),
  ]);
  expect([adopted.job_id, watched.job_id]).toEqual([job.id, job.id]);
  await settled();
  expect(jobSeqs(heir)).toEqual([1, 2]);
  const { id: job_id } = job;
  const cancel = (viewer: Viewer) => viewer.reply(viewer.send("job.cancel", {}, { job_id }));
  expect((await cancel(late)).payload.code).toBe("PERMISSION_DENIED");
  // A subscription's numbers are still those of the session that submitted it.
  late.frames.length = 0;
  const history = { job_id, history: true, from_event_seq: 1 };
  await late.reply(late.send("job.subscribe", history, { job_id }));
  await settled();
  expect(jobSeqs(late)).toEqual([2]);
  // A session that lost the reply learns of its job on resume.
  heir.sever();
  const back = new Viewer(rig.runtime);
  await back.resume(welcome, 0);
  const told = await back.find(({ type }) => type === "job.accepted");
  expect(told.payload).toEqual(adopted.payload);
  expect((await cancel(back)).type).toBe("job.cancelled");
  job.end();
  await back.terminal(job.id);
  expect(jobSeqs(back)).toEqual([1, 2, 3]);
});

test("R-7.2-8: a finished job can be adopted too, with its history and its end", async () => {
  const rig = hosting();
  const { viewer: first } = await greeted(rig);
  const job = await rig.start(first, KEYED);
  job.end("done");
  await first.terminal(job.id);
  await gone(rig, first);
  const { viewer, welcome } = await greeted(rig);
  await viewer.submit("led", null, KEYED);
  await viewer.terminal(job.id);
  expect(jobSeqs(viewer)).toEqual([1, 2]);
  expect((await rig.store.jobs.get(job.id))?.session).toBe(welcome.session_id);
});

test("R-7.2-7: a key and its job outlive a short retention: for a day, and while the job runs", async () => {
  const rig = hosting({ limits: { retentionSec: 60, resumeWindowSec: 60 } });
  const { viewer } = await greeted(rig);
  const job = await rig.start(viewer, KEYED);
  const short = await rig.start(viewer, { idempotency_key: "short" });
  short.end("done");
  const end = await viewer.terminal(short.id);
  rig.clock.advance(DAY - 1);
  await settled();
  expect((await viewer.submit("led", null, { idempotency_key: "short" })).job_id).toBe(short.id);
  await settled();
  expect(viewer.stream.at(-1)?.id).toBe(end.id);
  rig.clock.advance(DAY);
  await settled();
  expect(await rig.store.jobs.get(short.id)).toBeUndefined();
  expect((await viewer.submit("led", null, { idempotency_key: "short" })).job_id).not.toBe(
    short.id,
  );
  expect((await viewer.submit("led", null, KEYED)).job_id).toBe(job.id);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  rig.clock.advance(60_000);
  await settled();
  expect(await rig.store.jobs.get(job.id)).toBeUndefined();
});

test("R-7.2-7: a key's record without a job was left by a crash, and has no effect", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  await rig.store.idempotency.put({
    principal: "alice",
    key: "k",
    fingerprint: "of something else",
    job: "job_never_inserted" as JobId,
    acceptedAt: 0,
  });
  const job = await rig.start(viewer, KEYED);
  expect((await viewer.submit("led", null, KEYED)).job_id).toBe(job.id);
});

test("a key's record is durable no later than its job: it is requested right before it", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const order: string[] = [];
  const { put } = rig.store.idempotency;
  const { insert } = rig.store.jobs;
  const isPut = Promise.withResolvers<void>();
  rig.store.idempotency.put = async (record) => {
    order.push("put");
    queueMicrotask(() => order.push("a microtask later"));
    await put.call(rig.store.idempotency, record);
    await isPut.promise;
  };
  rig.store.jobs.insert = (row) => {
    order.push("insert");
    return insert(row);
  };
  const id = viewer.send("job.submit", { agent: "led", ...KEYED });
  await settled();
  expect(order).toEqual(["put", "insert", "a microtask later"]);
  expect(viewer.frames.filter(({ payload }) => payload.request_id === id)).toEqual([]);
  isPut.resolve();
  expect((await viewer.reply(id)).type).toBe("job.accepted");
});

test("R-7.2-6: a key that could not be stored leaves no job behind", async () => {
  const rig = hosting();
  const { viewer } = await greeted(rig);
  const { put } = rig.store.idempotency;
  rig.store.idempotency.put = () => Promise.reject(new Error("disk full"));
  expect((await viewer.submit("led", null, KEYED)).payload.code).toBe("INTERNAL_ERROR");
  await settled();
  expect(await rig.store.jobs.list({ limit: 9 })).toEqual([]);
  expect(rig.begun.size).toBe(0);
  rig.store.idempotency.put = put.bind(rig.store.idempotency);
  expect((await viewer.submit("led", null, KEYED)).type).toBe("job.accepted");
});

test("R-7.2-7, R-7.2-3: keys and their jobs survive a restart, and a short retention after it", async () => {
  const store = memoryStore();
  const clock = new ManualClock();
  let runs = 0;
  const start = () =>
    createRuntime({
      agents: [defineAgent({ name: "once", run: () => ++runs })],
      auth: allowAnonymous(),
      store,
      clock,
      limits: { retentionSec: 60 },
      logger: pino({ level: "silent" }),
    });
  const before = start();
  const { viewer } = await greeted({ runtime: before });
  const first = await viewer.submit("once", null, KEYED);
  const end = await viewer.terminal(first.job_id);
  await before.close();
  const after = start();
  await settled();
  for (let minute = 0; minute < 30; minute++) {
    clock.advance(60_000);
    await settled(3);
  }
  const { viewer: again } = await greeted({ runtime: after });
  const retry = await again.submit("once", null, KEYED);
  expect(payloadOf(retry)).toEqual(payloadOf(first));
  expect((await again.terminal(first.job_id)).payload).toEqual(end.payload);
  expect((await again.submit("once", 1, KEYED)).payload.code).toBe("DUPLICATE_KEY");
  expect(runs).toBe(1);
});

test("R-6.3-18, R-7.6-5: an adopted job keeps the numbers of the session that submitted it", async () => {
  const rig = hosting({ limits: { retentionSec: 60 } });
  const { viewer: first } = await greeted(rig);
  const kept = await rig.start(first, KEYED);
  for (let i = 0; i < 5; i++) await kept.ctx.log.info(`${i}`);
  await kept.ctx.flush();
  await settled();
  const passing = await rig.start(first);
  await gone(rig, first);
  const { viewer: second } = await greeted(rig);
  await second.submit("led", null, KEYED);
  kept.end("done");
  await second.terminal(kept.id);
  passing.end("done");
  await settled();
  const ask = async () => {
    const { viewer } = await greeted(rig);
    await viewer.reply(
      viewer.send("job.subscribe", { job_id: kept.id, history: true, from_event_seq: 4 }),
    );
    await settled();
    return jobSeqs(viewer);
  };
  expect(await ask()).toEqual([5, 6, 7]);
  for (let i = 0; i < 8; i++) {
    rig.clock.advance(10_000);
    await settled();
  }
  expect(await rig.store.jobs.get(passing.id)).toBeUndefined();
  expect(await ask()).toEqual([5, 6, 7]);
});

test("R-7.2-5, R-5.4-5: of two submits with one key the earlier makes the job, and the session gets all of it once", async () => {
  const { start, store } = hosts({ provisioners: { llm: new FakeUpstream() } });
  const options = { peer: { address: "127.0.0.1", loopback: true } };
  const before = new Viewer(start(), options);
  const welcome = await before.hello([...ALL_FEATURES, "provisioned_credentials"]);
  const runtime = start();
  const viewer = new Viewer(runtime, options);
  await viewer.resume(welcome, 0);
  // Finding out whether the previous process answered the earlier one takes longer.
  const { list } = store.jobs;
  const held = Promise.withResolvers<void>();
  store.jobs.list = async (query) => {
    store.jobs.list = list;
    await held.promise;
    return list.call(store.jobs, query);
  };
  const { commit } = store.sessions;
  const stored = Promise.withResolvers<void>();
  store.sessions.commit = async (id, epoch, change) => {
    if (change.attach !== undefined) await stored.promise;
    return commit.call(store.sessions, id, epoch, change);
  };
  const payload = { agent: "led", input: null, idempotency_key: "k" };
  const [earlier, later] = [0, 1].map(() => viewer.send("job.submit", payload));
  await settled();
  held.resolve();
  await settled();
  const [row] = await store.jobs.list({ limit: 9 });
  if (row === undefined || earlier === undefined || later === undefined) throw new Error("no job");
  expect(row.request).toBe(earlier);
  await runtime.credentials.rotate(row.id);
  stored.resolve();
  await Promise.all([viewer.reply(earlier), viewer.reply(later)]);
  viewer.send("job.cancel", { job_id: row.id });
  await settled();
  const seqs = viewer.stream.map(({ job_seq }) => job_seq);
  expect(seqs.length).toBeGreaterThan(1);
  expect(seqs).toEqual(dense(seqs.length));
});
