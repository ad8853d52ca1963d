import type { JobId, SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosts } from "../../test/hosts.ts";
import { Pace } from "../../test/pace.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";

const ACKING = [...ALL_FEATURES, "ack"];

type Machine = ReturnType<typeof hosts>;

async function say({ ctx }: Awaited<ReturnType<Machine["submit"]>>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await ctx.log.info(`${i}`);
  await ctx.flush();
  await settled();
}

async function pass({ clock }: Machine, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    clock.advance(10_000);
    await settled(5);
  }
}

const lastSeq = ({ stream }: Viewer): number => stream.at(-1)?.event_seq ?? 0;
const ids = ({ stream }: Viewer): readonly string[] => stream.map(({ id }) => id);

for (const removed of [false, true]) {
  const then = removed ? " once the job is removed" : "";
  test(`R-6.3-20: an end delivered right before a crash is not sent again by later restarts${then}`, async () => {
    const rig = hosts({ limits: { retentionSec: 60, resumeWindowSec: 600 } });
    const { start, submit, store } = rig;
    const runtime = start();
    const owner = new Viewer(runtime);
    await owner.hello();
    const job = await submit(owner);
    await say(job, 2);
    const before = new Viewer(runtime);
    let welcome: Frame = await before.hello(ACKING);
    await before.reply(before.send("job.subscribe", { job_id: job.id }));
    await say(job, 3);
    // The process dies before the end of the subscription is stored.
    const { commit } = store.sessions;
    store.sessions.commit = (id, epoch, change) =>
      change.detach === undefined
        ? commit.call(store.sessions, id, epoch, change)
        : new Promise(() => {});
    job.end("done");
    await before.terminal(job.id);
    await settled();
    store.sessions.commit = commit;
    const told = new Set(ids(before));
    let last = lastSeq(before);
    for (let restart = 1; restart <= 3; restart++) {
      const after = new Viewer(start());
      welcome = await after.resume(welcome, last);
      expect(welcome.type).toBe("session.welcome");
      await settled();
      expect(ids(after).filter((id) => told.has(id))).toEqual([]);
      expect(await store.sessions.attachments(welcome.session_id as SessionId)).toEqual([]);
      // Something else, so that the run of the job is not the last one.
      const other = await submit(after);
      other.end(null);
      await after.terminal(other.id);
      last = lastSeq(after);
      after.send("session.ack", { last_processed_seq: last });
      await settled();
      if (removed && restart === 1) {
        await pass(rig, 700_000);
        expect(await store.jobs.get(job.id as JobId)).toBeUndefined();
      }
    }
  });
}

/** A store with this many parked sessions, whose rows are read only when the test says so. */
async function parked(count: number) {
  const rig = hosts({ limits: { connectedSessionsPerPrincipal: count } });
  const before = rig.start();
  const welcomes = await Promise.all(
    Array.from({ length: count }, () => new Viewer(before).hello()),
  );
  const { sessions } = rig.store;
  const { get } = sessions;
  const reads: PromiseWithResolvers<void>[] = [];
  const asked = new Set<SessionId>();
  sessions.get = async (id) => {
    const read = Promise.withResolvers<void>();
    reads.push(read);
    asked.add(id);
    await read.promise;
    return get.call(sessions, id);
  };
  return { ...rig, welcomes, reads, asked };
}

test("R-6.3-20: sessions are restored many at a time, not by one read after the other", async () => {
  const { start, welcomes, reads } = await parked(40);
  const runtime = start();
  await settled(5);
  expect(reads).toHaveLength(32);
  reads[31]?.resolve();
  await settled(5);
  expect(reads).toHaveLength(33);
  for (let i = 0; i < 40; i++) {
    reads[i]?.resolve();
    await settled();
  }
  for (const welcome of welcomes) {
    expect((await new Viewer(runtime).resume(welcome, 0)).type).toBe("session.welcome");
  }
});

test("if the store fails during restoration, nothing more is read from it", async () => {
  const { start, reads, asked, clock } = await parked(40);
  const runtime = start();
  await settled(5);
  const failure = new Error("no connection");
  reads[0]?.reject(failure);
  for (const pause of [20, 100, 500, 2000]) {
    await settled(5);
    clock.advance(pause);
    await settled(5);
    reads.at(-1)?.reject(failure);
  }
  expect(await runtime.failed).toBe(failure);
  for (const { resolve } of reads) resolve();
  await settled(5);
  expect(reads).toHaveLength(32 + 4);
  expect(asked.size).toBe(32);
});

test("R-6.3-20, P1: a run that was stored and never sent under does not hide how far a job was read", async () => {
  const { start, submit, store } = hosts();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const job = await submit(before);
  await say(job, 3);
  const other = await submit(before);
  await say(other, 1);
  const last = lastSeq(before);
  // The connection drops while the next run is being stored.
  const { commit } = store.sessions;
  const gate = Promise.withResolvers<void>();
  store.sessions.commit = async (...args) => {
    await gate.promise;
    return commit.apply(store.sessions, args);
  };
  await say(job, 1);
  before.sever();
  await settled();
  store.sessions.commit = commit;
  gate.resolve();
  await settled();
  expect(lastSeq(before)).toBe(last);
  const after = new Viewer(start());
  await after.resume(welcome, last);
  await after.terminal(job.id);
  const told = new Set(ids(before));
  expect(ids(after).filter((id) => told.has(id))).toEqual([]);
});

for (const kind of ["subscribe", "submit"] as const) {
  test(`R-6.3-14, R-6.3-20: what a ${kind} attaches during a resume is followed to its end, even after a crash`, async () => {
    const { start, submit, nextRun, store } = hosts();
    const runtime = start();
    const owner = new Viewer(runtime);
    await owner.hello();
    const watched = await submit(owner);
    const before = new Viewer(runtime);
    const welcome = await before.hello();
    const other = await submit(before);
    await settled();
    // The claim takes effect at once, and is answered later.
    const { claim } = store.sessions;
    const answer = Promise.withResolvers<void>();
    store.sessions.claim = async (...args) => {
      const outcome = await claim.apply(store.sessions, args);
      await answer.promise;
      return outcome;
    };
    const back = new Viewer(runtime);
    const resumed = back.resume(welcome, 0);
    await settled();
    // The old connection is still served.
    const run = nextRun();
    const request =
      kind === "submit"
        ? before.send("job.submit", { agent: "led" })
        : before.send("job.subscribe", { job_id: watched.id });
    await settled();
    answer.resolve();
    store.sessions.claim = claim;
    const next = await resumed;
    expect(next.type).toBe("session.welcome");
    await settled();
    const told = [...before.frames, ...back.frames].find(
      ({ payload }) => payload.request_id === request,
    );
    // A subscription may be answered while nobody is connected: it is still followed.
    const id = kind === "submit" ? told?.job_id : watched.id;
    await say(kind === "submit" ? { id: id ?? "", ...(await run) } : watched, 2);
    await say(other, 1);
    const after = new Viewer(start());
    expect((await after.resume(next, lastSeq(back))).type).toBe("session.welcome");
    expect((await after.terminal(id)).type).toBe("job.error");
  });
}

test("R-6.3-8, R-6.3-20, R-10-2: a job that was delegated right before a crash is announced by a later process", async () => {
  const { start, submit, store } = hosts();
  const before = new Viewer(start());
  const welcome = await before.hello();
  const others: Awaited<ReturnType<typeof submit>>[] = [];
  for (let i = 0; i < 4; i++) others.push(await submit(before));
  const parent = await submit(before, { lease_request: { "agent.delegate": ["led"] } });
  await say(parent, 1);
  // The process dies when logs contain what its session never numbered.
  const { commit } = store.sessions;
  store.sessions.commit = () => new Promise(() => {});
  for (const other of others) await say(other, 64);
  void parent.ctx.delegate("led");
  await settled();
  // The next one dies as well, after the batch that the other jobs' events fill.
  let batches = 1;
  store.sessions.commit = (id, epoch, change) =>
    change.runs === undefined || batches-- > 0
      ? commit.call(store.sessions, id, epoch, change)
      : new Promise(() => {});
  const between = new Viewer(start());
  const again = await between.resume(welcome, lastSeq(before));
  await settled();
  store.sessions.commit = commit;
  const after = new Viewer(start());
  await after.resume(again, lastSeq(between));
  await settled();
  const told = [...between.stream, ...after.stream].find(
    ({ payload }) => payload.kind === "delegate",
  );
  const child = told?.payload.body.child_job_id;
  // If by chance the parent is read first, the viewer in between receives all of it.
  const [heard = []] = [between, after]
    .map(({ frames }) => frames.filter(({ job_id }) => job_id === child))
    .filter((frames) => frames.at(-1)?.type === "job.error");
  expect(heard.map(({ type }) => type)).toEqual(["job.accepted", "job.event", "job.error"]);
  expect(heard.at(-1)?.payload.details.reason).toBe("parent_ended");
});

for (const role of ["owner", "observer"] as const) {
  test(`R-6.3-20: a crash during the removal of a job does not stop its ${role}'s session from going on`, async () => {
    const rig = hosts({ limits: { retentionSec: 60, backPressureThreshold: 8 } });
    const { start, submit, store } = rig;
    const runtime = start();
    const owner = new Viewer(runtime);
    const before = role === "owner" ? owner : new Viewer(runtime);
    let welcome = await owner.hello(ACKING);
    if (before !== owner) welcome = await before.hello(ACKING);
    const job = await submit(owner);
    if (before !== owner) await before.reply(before.send("job.subscribe", { job_id: job.id }));
    await say(job, 2);
    // Nor is the end of the subscription stored.
    const { commit } = store.sessions;
    store.sessions.commit = (id, epoch, change) =>
      change.detach === undefined
        ? commit.call(store.sessions, id, epoch, change)
        : new Promise(() => {});
    job.end("done");
    for (const viewer of [owner, before]) {
      await viewer.terminal(job.id);
      viewer.send("session.ack", { last_processed_seq: lastSeq(viewer) });
    }
    await settled();
    const { remove } = store.jobs;
    store.jobs.remove = () => new Promise(() => {});
    await pass(rig, 100_000);
    expect((await store.logs.read(job.id as JobId, 0, { records: 1, characters: 1 })).head).toBe(0);
    store.sessions.commit = commit;
    store.jobs.remove = remove;
    const after = new Viewer(start());
    expect((await after.resume(welcome, lastSeq(before))).type).toBe("session.welcome");
    await pass(rig, 100_000);
    expect(await store.jobs.get(job.id as JobId)).toBeUndefined();
  });
}

test("J4: after a crash a long run is counted over many turns", async () => {
  const rig = hosts();
  const { start, submit, store } = rig;
  const owner = new Viewer(start());
  const welcome = await owner.hello();
  await say(await submit(owner), 4_000);
  const pace = new Pace();
  const { read } = store.logs;
  store.logs.read = async (...asked) => {
    const page = await read.apply(store.logs, asked);
    for (const _ of page.records) pace.count();
    return page;
  };
  const runtime = start();
  expect(await runtime.jobs.get("none")).toBeUndefined();
  const { all, most } = pace.end();
  expect(runtime.sessions.get(welcome.session_id ?? "")?.lastEventSeq).toBeGreaterThan(4_000);
  expect(all).toBeGreaterThanOrEqual(4_000);
  expect(most).toBeLessThanOrEqual(512);
});
