import type { JobId, Lease } from "@arcp/core";
import { expect, test } from "vitest";
import { FakeUpstream } from "../../test/fake-upstream.ts";
import { settled } from "../../test/held-store.ts";
import { dense, hosting, type LedJob } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";

type Rig = ReturnType<typeof hosting>;

const KEYED = { idempotency_key: "k", lease_request: { "agent.delegate": ["led"] } };

const acceptances = ({ frames }: Viewer, job: string) =>
  frames.filter(({ type, job_id }) => type === "job.accepted" && job_id === job);

/** What was sent of a job, by its own numbers. */
const seqsOf = ({ stream }: Viewer, job: string) =>
  stream.filter(({ job_id }) => job_id === job).map(({ job_seq }) => job_seq);

/** A parent and its children, whose owner leaves, and the session that is there to take its place: the heir. */
async function family(rig: Rig = hosting(), lease: Lease = KEYED.lease_request) {
  const keyed = { ...KEYED, lease_request: lease };
  const owner = new Viewer(rig.runtime);
  await owner.hello();
  const heir = new Viewer(rig.runtime);
  await heir.hello();
  const parent = await rig.start(owner, keyed);
  const leave = async (): Promise<void> => {
    owner.sever();
    await settled();
    rig.clock.advance(600_000);
    await settled();
  };
  const adopt = () => heir.submit("led", null, keyed);
  const child = async (): Promise<LedJob> => {
    const lease = { "agent.delegate": ["led"] };
    const { id } = await parent.ctx.delegate("led", null, { lease });
    await settled();
    const its = await rig.begun.get(id)?.promise;
    if (its === undefined) throw new Error("the child has not begun");
    return { id: id as JobId, ...its };
  };
  const subscribe = (job: string) => heir.reply(heir.send("job.subscribe", { job_id: job }));
  return { ...rig, owner, heir, parent, child, leave, adopt, subscribe };
}

test("R-7.2-8 and R-10-2: a session that watched a job before it adopts it learns of the job's children", async () => {
  const { heir, parent, child, leave, adopt, subscribe } = await family();
  await subscribe(parent.id);
  const its = await child();
  await heir.find(({ payload }) => payload.kind === "delegate");
  expect(acceptances(heir, its.id)).toHaveLength(0);
  await leave();
  await adopt();
  await settled();
  expect(acceptances(heir, its.id)).toHaveLength(1);
  its.end("mine");
  expect((await heir.terminal(its.id)).payload).toMatchObject({ result: "mine" });
});

test("R-7.2-8: an heir gets the whole history even if it asks for live events before its reply", async () => {
  const rig = await family();
  const { store, heir, parent, leave, adopt, subscribe } = rig;
  await parent.ctx.thought("one");
  await leave();
  // By then the job belongs to the heir, and the reply is in flight.
  const { list } = store.jobs;
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  store.jobs.list = async (query) => {
    asked.resolve();
    await held.promise;
    return list(query);
  };
  const adopted = adopt();
  await asked.promise;
  const subscribed = subscribe(parent.id);
  await settled();
  held.resolve();
  await Promise.all([adopted, subscribed]);
  parent.end();
  await heir.terminal(parent.id);
  const seqs = seqsOf(heir, parent.id);
  expect(seqs).toEqual(dense(seqs.length));
  expect(seqs.length).toBeGreaterThan(2);
});

test.each(["watches", "watched"])(
  "R-7.2-8 and R-7.6-8: a session that %s a child owns it once it adopts the parent",
  async (how) => {
    const { heir, child, leave, adopt, subscribe } = await family();
    const its = await child();
    await subscribe(its.id);
    await its.ctx.thought("one");
    await heir.find(({ payload }) => payload.kind === "thought");
    if (how === "watched") heir.send("job.unsubscribe", { job_id: its.id });
    await leave();
    await adopt();
    await settled();
    heir.send("job.unsubscribe", { job_id: its.id });
    await settled();
    its.end("mine");
    await heir.terminal(its.id);
    expect(acceptances(heir, its.id)).toHaveLength(1);
    expect(seqsOf(heir, its.id).slice(-3)).toEqual([1, 2, 3]);
  },
);

test.each(["runs", "has ended"])(
  "R-7.2-8 and P3: losing part of a child's history costs its new owner nothing: a child that %s",
  async (how) => {
    const rig = hosting({ logLimits: { records: 8 }, limits: { retentionSec: 1000 } });
    const { owner, heir, parent, child, leave, adopt } = await family(rig);
    const its = await child();
    for (const i of dense(100)) {
      await its.ctx.thought(`${i}`);
      await owner.find(({ payload }) => payload.body?.text === `${i}`);
    }
    if (how === "has ended") {
      its.end("mine");
      await owner.terminal(its.id);
    }
    const { floor } = await rig.store.logs.read(its.id, 0, { records: 0, characters: 0 });
    expect(floor).toBeGreaterThan(0);
    await leave();
    await adopt();
    await settled();
    its.end("mine");
    expect((await heir.terminal(its.id)).payload).toMatchObject({ result: "mine" });
    expect(acceptances(heir, its.id)).toHaveLength(1);
    parent.end();
    await heir.terminal(parent.id);
  },
);

test("R-14-3 and R-7.2-8: a child that ended before the adoption is kept until its new owner has come across it", async () => {
  const rig = hosting({ limits: { retentionSec: 1000 } });
  const { parent, owner, child, leave, adopt, heir, runtime, clock, store } = await family(rig);
  const its = await child();
  its.end("mine");
  await owner.terminal(its.id);
  await leave();
  store.held.sessions.hold();
  // It is not answered while that cannot be stored.
  void adopt();
  await settled();
  heir.sever();
  await store.held.sessions.open();
  await settled();
  expect(heir.stream).toHaveLength(0);
  for (let second = 600; second < 1100; second += 10) {
    clock.advance(10_000);
    await settled();
  }
  parent.end();
  const back = new Viewer(runtime);
  await back.resume(await heir.find(({ type }) => type === "session.welcome"), 0);
  await back.terminal(parent.id);
  expect((await back.terminal(its.id)).payload).toMatchObject({ result: "mine" });
  expect(acceptances(back, its.id)).toHaveLength(1);
});

test("R-D-12 and R-7.2-8: a child that is adopted by itself belongs to its new owner", async () => {
  const { owner, heir, parent, begun, leave } = await family();
  const keyed = { idempotency_key: "child" };
  const { job_id = "" } = await owner.submit("led", null, { ...keyed, parent_job_id: parent.id });
  const its = await begun.get(job_id)?.promise;
  await its?.ctx.thought("one");
  await owner.find(({ payload }) => payload.kind === "thought");
  await leave();
  await heir.submit("led", null, keyed);
  await heir.find(({ payload }) => payload.kind === "thought");
  await heir.submit("led", null, keyed);
  await settled();
  its?.end("mine");
  await heir.terminal(job_id);
  expect(seqsOf(heir, job_id)).toEqual([1, 2, 3]);
});

test.each(["watched", "did not watch"])(
  "R-10-2, R-D-12 and R-7.2-8: an heir that %s a client's child gets all of it, where its parent announces it",
  async (how) => {
    const { owner, heir, parent, begun, leave, adopt, subscribe } = await family();
    const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
    const its = await begun.get(job_id)?.promise;
    if (how === "watched") await subscribe(job_id);
    await its?.ctx.thought("one");
    await owner.find(({ payload }) => payload.kind === "thought");
    await leave();
    const before = heir.frames.length;
    await adopt();
    await settled();
    const came = heir.frames.slice(before);
    const frames = came.filter((frame) => frame.job_id === job_id);
    expect(frames.map(({ type, job_seq }) => job_seq ?? type)).toEqual(["job.accepted", 1, 2]);
    const [told] = frames;
    // No submit of this session asked for it.
    expect(told?.payload.request_id).toBeUndefined();
    expect(told?.payload.truncated).toBeUndefined();
    const record = came[came.indexOf(told as (typeof came)[number]) - 1];
    expect(record?.payload).toMatchObject({ kind: "delegate", body: { child_job_id: job_id } });
  },
);

test("P3, R-6.3-8 and R-7.2-8: an heir that drops before a child is announced is told on its return what it misses", async () => {
  const rig = hosting({ logLimits: { records: 8 } });
  const { owner, heir, parent, begun, leave, adopt, store, runtime } = await family(rig);
  const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
  const its = await begun.get(job_id)?.promise;
  for (const i of dense(100)) {
    await its?.ctx.thought(`${i}`);
    await owner.find(({ payload }) => payload.body?.text === `${i}`);
  }
  await leave();
  store.held.sessions.hold();
  void adopt();
  await settled();
  heir.sever();
  await store.held.sessions.open();
  await settled();
  const back = new Viewer(runtime);
  await back.resume(await heir.find(({ type }) => type === "session.welcome"), 0);
  await settled();
  const told = (job: string) => acceptances(back, job).map(({ payload }) => payload.truncated);
  expect([told(parent.id), told(job_id)]).toEqual([[undefined], [true]]);
  its?.end("mine");
  await back.terminal(job_id);
  const seqs = seqsOf(back, job_id);
  expect(seqs).toEqual(dense(seqs.length, 103 - seqs.length));
  expect(seqs.length).toBeGreaterThan(2);
});

test("R-7.2-8 and R-10-2: an heir learns of what a client's child has delegated", async () => {
  const { owner, heir, parent, begun, leave, adopt } = await family();
  const lease = { "agent.delegate": ["led"] };
  const { job_id = "" } = await owner.submit("led", null, {
    parent_job_id: parent.id,
    lease_request: lease,
  });
  const its = await begun.get(job_id)?.promise;
  const grandchild = (await its?.ctx.delegate("led"))?.id ?? "";
  await settled();
  await leave();
  await adopt();
  await settled();
  expect(acceptances(heir, grandchild)).toHaveLength(1);
  (await begun.get(grandchild)?.promise)?.end("far");
  expect((await heir.terminal(grandchild)).payload).toMatchObject({ result: "far" });
});

test.each(["a client", "a job"])(
  "R-7.2-8 and R-14-3: an heir learns of a child of %s that has ended, and that its delegation record does not bring it",
  async (whose) => {
    const rig = hosting({ logLimits: { records: 8 }, limits: { retentionSec: 1000 } });
    const { owner, heir, parent, child, leave, adopt, begun } = await family(rig);
    const submitted = async (): Promise<string> => {
      const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
      (await begun.get(job_id)?.promise)?.end("mine");
      return job_id;
    };
    const delegated = async (): Promise<string> => {
      const { id, end } = await child();
      end("mine");
      return id;
    };
    const id = await (whose === "a client" ? submitted() : delegated());
    await owner.terminal(id);
    for (const i of whose === "a job" ? dense(100) : []) {
      await parent.ctx.thought(`${i}`);
      await owner.find(({ payload }) => payload.body?.text === `${i}`);
    }
    await leave();
    await adopt();
    expect((await heir.terminal(id)).payload).toMatchObject({ result: "mine" });
    const [told, ...more] = acceptances(heir, id);
    expect(told?.payload).toMatchObject({ parent_job_id: parent.id });
    expect(more).toEqual([]);
    expect(seqsOf(heir, id)).toEqual([1, 2]);
    parent.end();
    await heir.terminal(parent.id);
  },
);

test("R-7.2-8: descendants are adopted, however the calendar was set meanwhile", async () => {
  const { child, leave, adopt, heir, clock, begun, store } = await family();
  const its = await child();
  clock.jump(-60_000);
  const { id } = await its.ctx.delegate("led");
  await settled();
  await leave();
  await adopt();
  await settled();
  (await begun.get(id)?.promise)?.end("far");
  await heir.terminal(id);
  const { session } = (await store.jobs.get(id as JobId)) ?? {};
  expect(session).toBe(heir.frames[0]?.session_id);
});

test("R-7.1-2, R-7.2-8: the next retry completes an interrupted adoption, history included", async () => {
  const { heir, parent, leave, adopt, store } = await family();
  await parent.ctx.thought("before");
  await leave();
  const { commit } = store.sessions;
  store.sessions.commit = async (id, epoch, change) => {
    if (change.attach === undefined) return commit.call(store.sessions, id, epoch, change);
    store.sessions.commit = commit;
    throw new Error("the disk is full");
  };
  expect((await adopt()).type).toBe("session.error");
  await settled();
  expect(heir.stream).toEqual([]);
  expect((await adopt()).type).toBe("job.accepted");
  parent.end("mine");
  await heir.terminal(parent.id);
  expect(seqsOf(heir, parent.id)).toEqual([1, 2, 3]);
});

const RETRY = { agent: "led", input: null, idempotency_key: "k" };

/**
 * A session adopts a job by a retry, and the process dies before the session follows the job.
 * @param seen what the session does while the owner is there
 */
async function cutOff(
  job: "ends" | "runs",
  seen: (heir: Viewer, job: string) => Promise<unknown> = async () => {},
) {
  const { start, submit, clock, store } = hosts();
  const runtime = start();
  const owner = new Viewer(runtime);
  await owner.hello();
  const { id, end } = await submit(owner, { idempotency_key: "k" });
  const heir = new Viewer(runtime);
  const welcome = await heir.hello();
  if (job === "ends") end("done");
  await seen(heir, id);
  owner.sever();
  await settled();
  clock.advance(600_000);
  await settled();
  const { commit } = store.sessions;
  store.sessions.commit = (session, epoch, change) =>
    change.attach === undefined
      ? commit.call(store.sessions, session, epoch, change)
      : new Promise(() => {});
  const request = heir.send("job.submit", RETRY);
  await settled();
  store.sessions.commit = commit;
  return { id, welcome, request, after: new Viewer(start()) };
}

test("R-5.4-8, R-7.2-9: a retry that adopts a job is answered as such if a crash comes in between", async () => {
  // It has seen the end of the job already.
  const { id, welcome, request, after } = await cutOff("ends", async (heir, job) => {
    await heir.reply(heir.send("job.subscribe", { job_id: job, history: true }));
    await heir.terminal(job);
  });
  await after.resume(welcome, 2);
  after.sendAs(request, "job.submit", RETRY);
  expect((await after.reply(request)).job_id).toBe(id);
  await settled();
  expect(seqsOf(after, id)).toEqual([1, 2]);
});

test("R-5.4-8: a retry that adopted a job before a crash is answered again, but does not bring its end again", async () => {
  const { id, welcome, request, after } = await cutOff("runs");
  await after.resume(welcome, 0);
  await after.terminal(id);
  expect(acceptances(after, id)).toHaveLength(1);
  after.sendAs(request, "job.submit", RETRY);
  await settled();
  expect(acceptances(after, id)).toHaveLength(2);
  expect(seqsOf(after, id)).toEqual([1, 2]);
  // Another submit with the key does ask for it.
  await after.reply(after.send("job.submit", RETRY));
  await settled();
  expect(seqsOf(after, id)).toEqual([1, 2, 2]);
});

test("R-10-2, R-14-3: a child that is being removed is not announced to an heir, which would wait for its end", async () => {
  const { heir, child, leave, adopt, store, clock, owner } = await family();
  const its = await child();
  its.end("mine");
  await owner.terminal(its.id);
  await settled();
  const { remove } = store.jobs;
  store.jobs.remove = () => Promise.reject(new Error("the disk is full"));
  for (let i = 0; i < 65; i++) {
    clock.advance(10_000);
    await settled(3);
  }
  expect((await store.logs.read(its.id, 0, { records: 1, characters: 1 })).head).toBe(0);
  await leave();
  await adopt();
  await settled();
  expect(heir.stream.some(({ payload }) => payload.kind === "delegate")).toBe(true);
  expect(acceptances(heir, its.id)).toEqual([]);
  store.jobs.remove = remove;
  clock.advance(10_000);
  await settled();
  expect(await store.jobs.get(its.id)).toBeUndefined();
});

test.each(["attachment", "child"])(
  "R-7.2-8, R-D-12: a client's child is announced by the retry that completes an adoption whose %s could not be stored",
  async (what) => {
    const { owner, heir, parent, begun, leave, adopt, store } = await family();
    const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
    await leave();
    const { commit } = store.sessions;
    const { update } = store.jobs;
    let isBroken = true;
    store.sessions.commit = async (id, epoch, change) => {
      if (isBroken && change.attach !== undefined) throw new Error("the disk is full");
      return commit.call(store.sessions, id, epoch, change);
    };
    store.jobs.update = async (id, change) => {
      if (isBroken && what === "child" && id === job_id) throw new Error("the disk is full");
      return update.call(store.jobs, id, change);
    };
    expect((await adopt()).type).toBe("session.error");
    isBroken = false;
    expect((await adopt()).type).toBe("job.accepted");
    await settled();
    expect(acceptances(heir, job_id)).toHaveLength(1);
    (await begun.get(job_id)?.promise)?.end("mine");
    await heir.terminal(job_id);
    const row = await store.jobs.get(job_id as JobId);
    expect(row).toMatchObject({
      session: heir.frames[0]?.session_id,
      submittedIn: owner.frames[0]?.session_id,
    });
  },
);

test("R-7.2-8 and R-10-2: an heir learns of children even if it asks for live events before its reply", async () => {
  const { store, heir, parent, child, leave, adopt, subscribe } = await family();
  const its = await child();
  await leave();
  const { list } = store.jobs;
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  store.jobs.list = async (query) => {
    asked.resolve();
    await held.promise;
    return list(query);
  };
  const adopted = adopt();
  await asked.promise;
  const subscribed = subscribe(parent.id);
  await settled();
  held.resolve();
  await Promise.all([adopted, subscribed]);
  its.end("mine");
  expect((await heir.terminal(its.id)).payload).toMatchObject({ result: "mine" });
  expect(acceptances(heir, its.id)).toHaveLength(1);
});

test("R-7.2-8 and R-10-2: an heir learns of children even if it follows the live job while its reply waits", async () => {
  const held = Promise.withResolvers<void>();
  const validate = async (value: unknown) => {
    await held.promise;
    return { value };
  };
  const slow = defineAgent({
    name: "slow",
    input: { "~standard": { version: 1, vendor: "test", validate } } as const,
    run: () => "slow",
  });
  const rig = hosting({ agents: [slow] });
  const { store, heir, parent, child, leave, adopt, subscribe } = await family(rig);
  const its = await child();
  await leave();
  const before = heir.submit("slow");
  const adopted = adopt();
  await settled();
  store.held.sessions.hold();
  const subscribed = subscribe(parent.id);
  await settled();
  expect(store.held.sessions.waiting).toBe(1);
  held.resolve();
  await settled();
  await store.held.sessions.open();
  await Promise.all([before, adopted, subscribed]);
  await settled();
  expect(acceptances(heir, its.id)).toHaveLength(1);
  its.end("mine");
  await heir.terminal(its.id);
});

test("R-7.2-8 and R-10-2: an heir learns of what a child delegates during the adoption", async () => {
  const { owner, heir, parent, begun, leave, adopt, store } = await family();
  const lease = { "agent.delegate": ["led"] };
  const { job_id = "" } = await owner.submit("led", null, {
    parent_job_id: parent.id,
    lease_request: lease,
  });
  const its = await begun.get(job_id)?.promise;
  await leave();
  // The family has its new owner, which follows it once that is stored.
  store.held.sessions.hold();
  const adopted = adopt();
  await settled();
  const { id: far = "" } = (await its?.ctx.delegate("led")) ?? {};
  await store.held.sessions.open();
  await adopted;
  await settled();
  expect(acceptances(heir, far)).toHaveLength(1);
  (await begun.get(far)?.promise)?.end("far");
  expect((await heir.terminal(far)).payload).toMatchObject({ result: "far" });
});

test("R-7.2-8: a child that is being stored while its parent is adopted gets the new owner", async () => {
  const { owner, heir, parent, leave, adopt, store } = await family();
  await leave();
  const { insert, update } = store.jobs;
  const held = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  let written: Promise<void> = held.promise;
  let id: JobId | undefined;
  // A store that carries out calls in order.
  const write = (make: () => Promise<void>) => {
    written = written.then(make);
    return written;
  };
  store.jobs.insert = (row) => {
    id = row.id;
    return write(() => insert(row));
  };
  store.jobs.update = async (job, change) => {
    if (job !== parent.id) return write(() => update(job, change));
    // What is requested before this is done comes from the former owner.
    void parent.ctx.delegate("led");
    while (id === undefined) await settled();
    await update(job, change);
    taken.resolve();
  };
  const adopted = adopt();
  await taken.promise;
  await settled();
  held.resolve();
  await adopted;
  await settled();
  expect(await store.jobs.get(id as JobId)).toMatchObject({
    session: heir.frames[0]?.session_id,
    submittedIn: owner.frames[0]?.session_id,
  });
  expect(acceptances(heir, id ?? "")).toHaveLength(1);
});

test.each(["runs", "has ended"])(
  "R-7.2-8: the heir of an heir whose adoption was interrupted learns of a child that %s",
  async (how) => {
    const rig = hosting({ limits: { retentionSec: 10_000 } });
    const { owner, heir, parent, begun, leave, adopt, store, runtime, clock } = await family(rig);
    const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
    const end = async () => (await begun.get(job_id)?.promise)?.end("mine");
    if (how === "has ended") {
      await end();
      await owner.terminal(job_id);
    }
    await leave();
    const { update } = store.jobs;
    store.jobs.update = async (id, change) => {
      if (id === job_id) throw new Error("the disk is full");
      return update.call(store.jobs, id, change);
    };
    expect((await adopt()).type).toBe("session.error");
    store.jobs.update = update;
    const next = new Viewer(runtime);
    await next.hello();
    heir.sever();
    await settled();
    clock.advance(600_000);
    await settled();
    await next.submit("led", null, KEYED);
    await settled();
    expect(acceptances(next, job_id)).toHaveLength(1);
    await end();
    await next.terminal(job_id);
    expect(await store.jobs.get(job_id as JobId)).toMatchObject({
      session: next.frames[0]?.session_id,
      submittedIn: owner.frames[0]?.session_id,
    });
  },
);

test("R-7.2-8: a finished child passes on with its parent, however many owners came and were interrupted in between", async () => {
  const rig = hosting({ limits: { retentionSec: 10_000 } });
  const { owner, heir, parent, begun, leave, adopt, store, runtime, clock } = await family(rig);
  const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
  (await begun.get(job_id)?.promise)?.end("mine");
  await owner.terminal(job_id);
  await leave();
  await adopt();
  await heir.terminal(job_id);
  const gone = async (viewer: Viewer) => {
    viewer.sever();
    await settled();
    clock.advance(600_000);
    await settled();
  };
  await gone(heir);
  const { update } = store.jobs;
  store.jobs.update = async (id, change) => {
    if (id === job_id) throw new Error("the disk is full");
    return update.call(store.jobs, id, change);
  };
  const third = new Viewer(runtime);
  await third.hello();
  expect((await third.submit("led", null, KEYED)).type).toBe("session.error");
  store.jobs.update = update;
  await gone(third);
  const fourth = new Viewer(runtime);
  await fourth.hello();
  await fourth.submit("led", null, KEYED);
  await settled();
  expect(acceptances(fourth, job_id)).toHaveLength(1);
  expect((await fourth.terminal(job_id)).payload).toMatchObject({ result: "mine" });
  expect((await store.jobs.get(job_id as JobId))?.session).toBe(fourth.frames[0]?.session_id);
});

test.each(["is gone", "is there"])(
  "R-7.2-8: a child that was adopted by itself passes on with its parent unless its own owner is there: it %s",
  async (how) => {
    const { owner, heir, parent, begun, leave, adopt, runtime, clock, store } = await family();
    const keyed = { idempotency_key: "child" };
    const { job_id = "" } = await owner.submit("led", null, { ...keyed, parent_job_id: parent.id });
    await leave();
    const other = new Viewer(runtime);
    await other.hello();
    await other.submit("led", null, keyed);
    await settled();
    if (how === "is gone") {
      other.sever();
      await settled();
      clock.advance(600_000);
      await settled();
    }
    await adopt();
    await settled();
    const [its, heirs] = how === "is gone" ? [heir, 1] : [other, 0];
    expect(acceptances(heir, job_id)).toHaveLength(heirs);
    expect((await store.jobs.get(job_id as JobId))?.session).toBe(its.frames[0]?.session_id);
    its.send("job.cancel", { job_id });
    await settled();
    expect((await begun.get(job_id)?.promise)?.ctx.signal.aborted).toBe(true);
  },
);

test("R-7.2-8 and R-10-2: a retry completes an adoption for a session that has subscribed since the interruption", async () => {
  const { owner, heir, parent, begun, leave, adopt, subscribe, store } = await family();
  const { job_id = "" } = await owner.submit("led", null, { parent_job_id: parent.id });
  await leave();
  const { update } = store.jobs;
  store.jobs.update = async (id, change) => {
    if (id === job_id) throw new Error("the disk is full");
    return update.call(store.jobs, id, change);
  };
  expect((await adopt()).type).toBe("session.error");
  store.jobs.update = update;
  await subscribe(parent.id);
  await parent.ctx.thought("live");
  await heir.find(({ payload }) => payload.kind === "thought");
  expect((await adopt()).type).toBe("job.accepted");
  await settled();
  expect(acceptances(heir, job_id)).toHaveLength(1);
  (await begun.get(job_id)?.promise)?.end("mine");
  await heir.terminal(job_id);
  // What it watched, and everything due to an heir.
  expect(seqsOf(heir, parent.id)).toEqual([3, 1, 2, 3]);
});

test("R-7.2-8 and R-10-2: an heir gets a whole family, whatever it subscribed to since its adoption was interrupted", async () => {
  const { heir, parent, child, leave, adopt, subscribe, store } = await family();
  const its = await child();
  await its.ctx.thought("one");
  await leave();
  const { commit } = store.sessions;
  // By then the index has the family's new owner.
  store.sessions.commit = async (id, epoch, change) => {
    if (change.attach === undefined) return commit.call(store.sessions, id, epoch, change);
    throw new Error("the disk is full");
  };
  expect((await adopt()).type).toBe("session.error");
  store.sessions.commit = commit;
  expect((await store.jobs.get(its.id as JobId))?.session).toBe(heir.frames[0]?.session_id);
  for (const job of [parent.id, its.id]) {
    expect((await subscribe(job)).type).toBe("job.subscribed");
  }
  expect((await adopt()).type).toBe("job.accepted");
  its.end("its");
  parent.end("mine");
  await heir.terminal(its.id);
  await heir.terminal(parent.id);
  expect(acceptances(heir, its.id)).toHaveLength(1);
  expect(seqsOf(heir, parent.id)).toEqual([1, 2, 3]);
  expect(seqsOf(heir, its.id)).toEqual([1, 2, 3]);
});

test.each(["goes on", "has ended"])(
  "P3, R-7.2-8 and R-10-2: an heir learns of a child whose delegation is evicted before it reads of it, of a job that %s",
  async (how) => {
    const rig = hosting({ logLimits: { records: 8 }, limits: { retentionSec: 1000 } });
    const { heir, parent, child, leave, adopt, store } = await family(rig);
    const its = await child();
    for (const i of dense(6)) await parent.ctx.thought(`${i}`);
    await leave();
    // It follows the job once that is stored.
    store.held.sessions.hold();
    const adopted = adopt();
    await settled();
    for (const i of dense(4)) await parent.ctx.thought(`${i}`);
    if (how === "has ended") parent.end("done");
    await settled();
    const { floor } = await store.logs.read(parent.id, 0, { records: 0, characters: 0 });
    expect(floor).toBeGreaterThan(1);
    await store.held.sessions.open();
    expect((await adopted).payload.truncated).toBeUndefined();
    await heir.find(({ payload }) => payload.code === "RESUME_WINDOW_EXPIRED");
    await settled();
    expect(acceptances(heir, its.id)).toHaveLength(1);
    its.end("mine");
    await heir.terminal(its.id);
  },
);

test("R-14-3 and R-10-2: a child that an heir finds without a record of it is kept until the heir follows it", async () => {
  const rig = hosting({ logLimits: { records: 8 }, limits: { retentionSec: 1000 } });
  const { owner, heir, parent, child, leave, adopt, store, clock } = await family(rig);
  const its = await child();
  its.end("mine");
  await owner.terminal(its.id);
  for (const i of dense(100)) {
    await parent.ctx.thought(`${i}`);
    await owner.find(({ payload }) => payload.body?.text === `${i}`);
  }
  await leave();
  store.held.sessions.hold();
  const adopted = adopt();
  await settled();
  await store.held.sessions.release();
  await adopted;
  // That it follows the child is being stored, and the child's time runs out.
  expect(store.held.sessions.waiting).toBe(1);
  for (let second = 600; second < 1100; second += 10) {
    clock.advance(10_000);
    await settled();
  }
  await store.held.sessions.open();
  expect((await heir.terminal(its.id)).payload).toMatchObject({ result: "mine" });
  expect(acceptances(heir, its.id)).toHaveLength(1);
});

test("R-7.2-8, R-10-2: a session that watched a job learns of its children if a crash comes right after the adoption", async () => {
  const { start, submit, clock, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await submit(owner, KEYED);
  const { id } = await job.ctx.delegate("led");
  const before = new Viewer(runtime);
  const welcome = await before.hello();
  await before.reply(before.send("job.subscribe", { job_id: job.id, history: true }));
  await before.find(({ payload }) => payload.kind === "delegate");
  before.send("job.unsubscribe", { job_id: job.id });
  owner.sever();
  await settled();
  clock.advance(600_000);
  await settled();
  const { commit } = store.sessions;
  store.sessions.commit = (id, epoch, change) =>
    change.attach === undefined
      ? commit.call(store.sessions, id, epoch, change)
      : new Promise(() => {});
  const retry = { agent: "led", input: null, ...KEYED };
  const request = before.send("job.submit", retry);
  await settled();
  store.sessions.commit = commit;
  const after = new Viewer(start());
  await after.resume(welcome, before.stream.length);
  await after.terminal(id);
  after.sendAs(request, "job.submit", retry);
  expect((await after.reply(request)).job_id).toBe(job.id);
  await settled();
  expect(acceptances(after, id)).toHaveLength(1);
});

test("R-D-12, R-7.2-8: an heir learns of a client's child that was being checked while the heir adopted the parent", async () => {
  const held = Promise.withResolvers<void>();
  const checked = Promise.withResolvers<void>();
  const validate = async (value: unknown) => {
    checked.resolve();
    await held.promise;
    return { value };
  };
  const slow = defineAgent({
    name: "slow",
    input: { "~standard": { version: 1, vendor: "test", validate } } as const,
    run: () => "slow",
  });
  const lease = { "agent.delegate": ["slow"] };
  const { owner, heir, parent, leave, adopt } = await family(hosting({ agents: [slow] }), lease);
  owner.send("job.submit", { agent: "slow", input: null, parent_job_id: parent.id });
  await checked.promise;
  await leave();
  await adopt();
  held.resolve();
  const { payload } = await heir.find(({ type }) => type === "job.result");
  expect(payload).toMatchObject({ result: "slow" });
  const told = heir.frames.find((frame) => frame.payload.parent_job_id === parent.id);
  expect(told?.payload.request_id).toBeUndefined();
});

test("R-D-12, R-7.2-8: an heir learns of a child whose credential was being issued while the heir adopted the parent", async () => {
  const upstream = new FakeUpstream();
  const { start, submit, clock } = hosts({
    provisioners: { llm: upstream },
    limits: { resumeWindowSec: 5 },
  });
  const runtime = start();
  const features = ["subscribe", "cost.budget", "provisioned_credentials"];
  const view = async () => {
    const viewer = new Viewer(runtime, { peer: { address: "127.0.0.1", loopback: true } });
    await viewer.hello(features);
    return viewer;
  };
  const [owner, heir] = [await view(), await view()];
  const parent = await submit(owner, KEYED);
  const issuing = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => {
    issuing.resolve();
    return held.promise;
  };
  owner.send("job.submit", { agent: "led", input: null, parent_job_id: parent.id });
  await issuing.promise;
  owner.sever();
  await settled();
  clock.advance(5000);
  await settled();
  await heir.submit("led", null, KEYED);
  held.resolve();
  const told = await heir.find(({ payload }) => payload.parent_job_id === parent.id);
  expect(told.type).toBe("job.accepted");
  expect(told.payload.request_id).toBeUndefined();
});

test("R-10-2 and R-7.2-8: a child both in the index and in what is left of the log is announced to an heir once", async () => {
  const rig = hosting({ logLimits: { records: 200 } });
  const { owner, heir, parent, child, leave, adopt, subscribe } = await family(rig);
  const { store, runtime, start } = rig;
  await subscribe(parent.id);
  const think = async (from: number, count: number): Promise<void> => {
    for (const i of dense(count, from)) {
      await parent.ctx.thought(`${i}`);
      await owner.find(({ payload }) => payload.body?.text === `${i}`);
    }
  };
  await think(1, 250);
  const its = await child();
  await think(251, 20);
  const other = await start(heir);
  await leave();
  store.held.sessions.hold();
  void adopt();
  await settled();
  heir.sever();
  await store.held.sessions.open();
  await other.ctx.thought("beside");
  await settled();
  // With two jobs to read, the page that skips records is not the one that announces the child.
  const back = new Viewer(runtime);
  const welcome = await heir.find(({ type }) => type === "session.welcome");
  await back.resume(welcome, heir.stream.length);
  its.end("mine");
  await back.terminal(its.id);
  await settled();
  expect(acceptances(back, its.id)).toHaveLength(1);
  expect(seqsOf(back, its.id)).toEqual([1, 2]);
});

test("R-7.2-8: a retry completes an adoption that a restart followed, for a session that has only watched since", async () => {
  const { start, submit, clock, store } = hosts({ led: { attempts: 2 } });
  const runtime = start();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await submit(owner, KEYED);
  await job.ctx.thought("one");
  const { id } = await job.ctx.delegate("led");
  const before = new Viewer(runtime);
  const welcome = await before.hello();
  owner.sever();
  await settled();
  clock.advance(600_000);
  await settled();
  const { commit } = store.sessions;
  store.sessions.commit = async (id, epoch, change) => {
    if (change.attach === undefined) return commit.call(store.sessions, id, epoch, change);
    throw new Error("the disk is full");
  };
  expect((await before.submit("led", null, KEYED)).type).toBe("session.error");
  store.sessions.commit = commit;
  const watched = before.send("job.subscribe", { job_id: job.id });
  expect((await before.reply(watched)).type).toBe("job.subscribed");
  const after = new Viewer(start());
  await after.resume(welcome, before.stream.length);
  await settled();
  expect(acceptances(after, id)).toEqual([]);
  expect((await after.submit("led", null, KEYED)).job_id).toBe(job.id);
  await after.terminal(id);
  expect(acceptances(after, id)).toHaveLength(1);
  await settled();
  // What it watched, of the attempt that the new process began, and everything due to an heir.
  expect(seqsOf(after, job.id)).toEqual([4, 1, 2, 3, 4]);
  expect(after.seqs).toEqual(dense(after.seqs.length, before.stream.length + 1));
});

/** What happens to one call to the store while two sessions adopt a job. */
const TROUBLE = dense(8).flatMap((call) =>
  ["fails", "fails once it is done", "is slow"].map((how) => ({ call, how })),
);

test.each(TROUBLE)(
  "R-7.2-5, R-7.2-8: of two concurrent adopters one owns the job, and both see all of it, where call $call $how",
  async ({ call, how }) => {
    const { heir, parent, child, leave, adopt, runtime, store } = await family();
    await parent.ctx.thought("one");
    const its = await child();
    await leave();
    const other = new Viewer(runtime);
    await other.hello();
    let calls = 0;
    const failing = async <T>(work: () => Promise<T>): Promise<T> => {
      calls += 1;
      if (calls !== call) return work();
      if (how === "is slow") return settled().then(work);
      if (how !== "fails") await work();
      throw new Error("the disk is full");
    };
    const { jobs, sessions } = store;
    const { update, list } = jobs;
    const { commit } = sessions;
    jobs.update = (id, change) => failing(() => update.call(jobs, id, change));
    jobs.list = (query, damaged) => failing(() => list.call(jobs, query, damaged));
    // Storing what the numbers mean is a separate matter: a connection that fails to do so ends, and is resumed.
    sessions.commit = (id, epoch, change) =>
      change.runs === undefined
        ? failing(() => commit.call(sessions, id, epoch, change))
        : commit.call(sessions, id, epoch, change);
    const both = [heir, other];
    const answers = await Promise.all([adopt(), other.submit("led", null, KEYED)]);
    await settled();
    for (const viewer of both) {
      const answered = viewer.frames.filter(({ payload }) => payload.request_id !== undefined);
      expect(answered).toHaveLength(1);
    }
    Object.assign(jobs, { update, list });
    sessions.commit = commit;
    // Whoever was refused tries again, with a live event in between.
    await parent.ctx.thought("two");
    for (const [i, viewer] of both.entries()) {
      if (answers[i]?.type === "job.accepted") continue;
      expect(answers[i]?.payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
      expect((await viewer.submit("led", null, KEYED)).type).toBe("job.accepted");
    }
    its.end("its");
    parent.end("done");
    for (const viewer of both) {
      await viewer.terminal(parent.id);
      expect(seqsOf(viewer, parent.id)).toEqual(dense(5));
      expect(viewer.seqs).toEqual(dense(viewer.seqs.length));
    }
    const { session } = (await store.jobs.get(parent.id)) ?? {};
    const owners = both.filter(({ frames }) => frames[0]?.session_id === session);
    expect(owners).toHaveLength(1);
    for (const viewer of owners) await viewer.terminal(its.id);
    await settled();
    const told = both.filter((viewer) => acceptances(viewer, its.id).length === 1);
    expect(told).toEqual(owners);
    expect(await store.jobs.get(its.id)).toMatchObject({ session });
  },
);

test("R-14-1 and R-7.2-8: an heir is not given up for another session while it owns what it has adopted", async () => {
  const rig = hosting({ limits: { sessionsPerPrincipal: 2 } });
  const { heir, parent, child, leave, adopt, runtime } = await family(rig);
  const its = await child();
  await leave();
  await adopt();
  await settled();
  heir.sever();
  await settled();
  await new Viewer(runtime).hello();
  const opened = async (): Promise<string> => (await new Viewer(runtime).hello()).type;
  expect(await opened()).toBe("session.error");
  its.end();
  await settled();
  expect(await opened()).toBe("session.error");
  parent.end();
  await settled();
  expect(await opened()).toBe("session.welcome");
});
