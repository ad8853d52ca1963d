import { expect, test, vi } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import { Attachments } from "./attachments.ts";
import { Journal } from "./journal.ts";

/** A session whose projector is in the middle of a batch: it waits for a record to be read. */
async function building() {
  const rig = hosting();
  const viewer = new Viewer(rig.runtime);
  const welcome = await viewer.hello();
  const busy = await rig.start(viewer);
  await settled();
  rig.store.held.reads.hold();
  await busy.ctx.log.info("being read");
  await busy.ctx.flush();
  await settled();
  expect(rig.store.held.reads.waiting).toBe(1);
  return { ...rig, viewer, welcome, busy };
}

test("R-7.1-2: a submit accepted while a batch is being built runs, even if the connection drops first", async () => {
  const { runtime, store, viewer, welcome, begun, clock } = await building();
  viewer.send("job.submit", { agent: "led" });
  await settled();
  expect(begun.size).toBe(1);
  viewer.sever();
  await store.held.reads.open();
  await settled();
  expect(begun.size).toBe(2);
  const again = new Viewer(runtime);
  await again.resume(welcome, 1);
  await settled();
  // The record that was being read, and the start of the new job, whose acceptance comes first.
  expect(again.seqs).toEqual(dense(2, 2));
  const accepted = again.frames.findIndex(({ type }) => type === "job.accepted");
  expect(accepted).toBeGreaterThan(0);
  const started = again.stream.find(({ payload }) => payload.body?.phase === "running");
  expect(again.frames[accepted]?.job_id).toBe(started?.job_id);
  expect(accepted).toBeLessThan(again.frames.indexOf(started as never));
  await runtime.close();
  expect(clock.pending).toBe(0);
});

test("P5: a submit accepted while a batch is being built runs, even if another connection takes over first", async () => {
  const { runtime, store, viewer, welcome, begun } = await building();
  viewer.send("job.submit", { agent: "led" });
  await settled();
  const next = new Viewer(runtime);
  const resumed = next.resume(welcome, 1);
  await settled();
  await store.held.reads.open();
  expect((await resumed).type).toBe("session.welcome");
  await settled();
  expect(begun.size).toBe(2);
  expect(next.seqs).toEqual(dense(2, 2));
});

test("a submit accepted while a batch is being built runs, even if the batch fails", async () => {
  const { runtime, store, viewer, welcome, begun } = await building();
  viewer.send("job.submit", { agent: "led" });
  await settled();
  const { read } = store.logs;
  store.logs.read = async () => {
    throw new Error("the disk is gone");
  };
  // The waiting read was requested earlier; the one of the new batch fails.
  await store.held.reads.open();
  await settled();
  expect((await viewer.ended) as { reason?: string }).toMatchObject({ reason: "fault" });
  expect(begun.size).toBe(2);
  store.logs.read = read;
  const again = new Viewer(runtime);
  expect((await again.resume(welcome, 2)).type).toBe("session.welcome");
});

test("of the requests that wait for a batch, one that fails affects neither the others nor the connection", async () => {
  const { runtime, store, viewer, begun, start } = await building();
  const other = new Viewer(runtime);
  await other.hello();
  const watched = await start(other);
  viewer.send("job.subscribe", { job_id: watched.id });
  viewer.send("job.unsubscribe", { job_id: watched.id });
  const detach = vi.spyOn(Attachments.prototype, "detach").mockImplementationOnce(() => {
    throw new Error("a bug");
  });
  const submit = viewer.send("job.submit", { agent: "led" });
  await settled();
  await store.held.reads.open();
  expect((await viewer.reply(submit)).type).toBe("job.accepted");
  await settled();
  expect(detach).toHaveBeenCalledOnce();
  detach.mockRestore();
  expect(begun.size).toBe(3);
  expect(viewer.seqs).toEqual(dense(3));
});

test("R-7.6-3: a subscription that waits for a batch takes effect, even if the connection drops first", async () => {
  const { runtime, store, viewer, welcome, start } = await building();
  const other = new Viewer(runtime);
  await other.hello();
  const watched = await start(other);
  viewer.send("job.subscribe", { job_id: watched.id });
  await settled();
  viewer.sever();
  await store.held.reads.open();
  await settled();
  await watched.ctx.log.info("for the one who is away");
  const again = new Viewer(runtime);
  await again.resume(welcome, 1);
  await again.find(({ payload }) => payload.body?.message === "for the one who is away");
});

test("a bell that cannot be armed ends the connection, not the submit: one reply, and the agent runs", async () => {
  const { runtime, store, begun, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const { listen } = store.logs;
  store.logs.listen = () => {
    store.logs.listen = listen;
    throw new Error("out of handles");
  };
  const id = viewer.send("job.submit", { agent: "led" });
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
  const answers = viewer.frames.filter(({ payload }) => payload.request_id === id);
  expect(answers.map(({ type }) => type)).toEqual(["job.accepted"]);
  expect(begun.size).toBe(1);
  const again = new Viewer(runtime);
  await again.resume(welcome, 0);
  await start(again);
  await settled();
  expect(again.seqs).toEqual(dense(2));
});

/** Two jobs in one session, of which the first emitted last; the commit of the next run is answered late. */
async function answeredLate(answer: "committed" | "failed") {
  const rig = hosting();
  const viewer = new Viewer(rig.runtime);
  const welcome = await viewer.hello();
  const j = await rig.start(viewer);
  const k = await rig.start(viewer);
  await settled();
  await j.ctx.log.info("j opens the last run");
  await settled();
  const { commit } = rig.store.sessions;
  const answered = Promise.withResolvers<void>();
  rig.store.sessions.commit = async (id, epoch, change) => {
    const outcome = await commit(id, epoch, change);
    if (change.runs !== undefined) {
      rig.store.sessions.commit = commit;
      await answered.promise;
      if (answer === "failed") throw new Error("the answer was lost");
    }
    return outcome;
  };
  const issued = viewer.stream.length;
  await k.ctx.log.info("k opens a run, durably");
  await settled();
  return { ...rig, viewer, welcome, j, k, issued, answered };
}

/** Every number that this connection got means in the store what was sent under it. */
async function explained(store: ReturnType<typeof hosting>["store"], viewer: Viewer) {
  const journal = new Journal(await store.sessions.runs(viewer.stream[0]?.session_id as never));
  for (const { event_seq = 0, job_id, job_seq } of viewer.stream) {
    expect(journal.origin(event_seq)).toMatchObject({ job: job_id, jobSeq: job_seq });
  }
}

for (const answer of ["committed", "failed"] as const) {
  test(`P1: after runs were stored but not answered (${answer}), the next numbers are given under them`, async () => {
    const { runtime, store, viewer, welcome, j, k, issued, answered } = await answeredLate(answer);
    viewer.sever();
    await settled();
    answered.resolve();
    await settled();
    await j.ctx.log.info("j speaks while nobody listens");
    await j.ctx.flush();
    const again = new Viewer(runtime);
    await again.resume(welcome, issued);
    await settled();
    await k.ctx.log.info("and both go on");
    await j.ctx.log.info("and both go on");
    await settled();
    expect(again.seqs).toEqual(dense(4, issued + 1));
    await explained(store, again);
  });
}

test("P1: a commit whose answer is lost ends the connection, and the next connection gets the same numbers", async () => {
  const { runtime, store, viewer, welcome, j, issued, answered } = await answeredLate("failed");
  answered.resolve();
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
  await j.ctx.log.info("j goes on");
  const again = new Viewer(runtime);
  await again.resume(welcome, issued);
  await settled();
  expect(again.seqs).toEqual(dense(2, issued + 1));
  await explained(store, again);
});

test("R-6.3-20: a request that finds a subscription which cannot be stored after all is refused with it", async () => {
  const { runtime, store, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const busy = await start(viewer);
  const other = new Viewer(runtime);
  await other.hello();
  const watched = await start(other);
  await settled();
  const { commit } = store.sessions;
  const stored = Promise.withResolvers<never>();
  store.sessions.commit = (id, epoch, change) =>
    change.attach === undefined ? commit(id, epoch, change) : stored.promise;
  const first = viewer.send("job.subscribe", { job_id: watched.id });
  await settled();
  store.sessions.commit = commit;
  store.held.reads.hold();
  await busy.ctx.log.info("being read");
  await busy.ctx.flush();
  await settled();
  expect(store.held.reads.waiting).toBe(1);
  const second = viewer.send("job.subscribe", { job_id: watched.id });
  await settled();
  stored.reject(new Error("the disk is full"));
  await settled();
  await store.held.reads.open();
  for (const id of [first, second]) {
    expect((await viewer.reply(id)).type).toBe("session.error");
  }
});
