import type { SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { Viewer } from "../../test/viewer.ts";
import type { SessionChange } from "../store/index.ts";

/** A viewer on a durable store, and what its session commits. */
async function scene() {
  const rig = hosts();
  const runtime = rig.start();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const session = welcome.session_id as SessionId;
  const changes: SessionChange[] = [];
  const { sessions } = rig.store;
  const commit = sessions.commit.bind(sessions);
  sessions.commit = (id, epoch, change) => {
    changes.push(change);
    return commit(id, epoch, change);
  };
  /** Appends wait from now on. @returns lets them through */
  const hold = (): (() => Promise<void>) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { logs } = rig.store;
    const { append } = logs;
    logs.append = async (batches) => {
      await promise;
      return append.call(logs, batches);
    };
    return () => {
      logs.append = append;
      resolve();
      return settled();
    };
  };
  return { ...rig, runtime, viewer, welcome, session, changes, sessions, commit, hold };
}

const texts = ({ stream }: Viewer) =>
  stream.map(({ job_id, job_seq, event_seq }) => [event_seq, job_id, job_seq]);
const numbered = (from: number, job: string, count: number, jobFrom = 1) =>
  dense(count).map((_, i) => [from + i, job, jobFrom + i]);

test("P1: the run of a lone job's first records is requested before them, and is the session's only change", async () => {
  const { viewer, submit, store, changes } = await scene();
  const order: string[] = [];
  const { append } = store.logs;
  store.logs.append = (batches) => {
    order.push(`append behind ${changes.length}`);
    return append.call(store.logs, batches);
  };
  const job = await submit(viewer);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  expect(order[0]).toBe("append behind 1");
  expect(changes).toEqual([{ runs: [{ from: 1, job: job.id, jobFrom: 1, role: "owner" }] }]);
  const next = await submit(viewer);
  next.end("done");
  await viewer.terminal(next.id);
  const from = texts(viewer).findIndex(([, id]) => id === next.id) + 1;
  expect(changes.slice(1)).toEqual([{ runs: [{ from, job: next.id, jobFrom: 1, role: "owner" }] }]);
});

test("P1: nothing is numbered by a run before that is durable", async () => {
  const { viewer, submit, sessions, commit } = await scene();
  const stored = Promise.withResolvers<void>();
  sessions.commit = async (...change) => {
    await stored.promise;
    return commit(...change);
  };
  const job = await submit(viewer);
  await job.ctx.log.info("1");
  await job.ctx.flush();
  await settled();
  expect(viewer.seqs).toEqual([]);
  stored.resolve();
  await settled();
  expect(texts(viewer)).toEqual(numbered(1, job.id, 2));
});

test("P1: a run that could not be stored is requested again, and the job before it takes none of its numbers", async () => {
  const { viewer, welcome, submit, start, session, sessions, commit, store } = await scene();
  const first = await submit(viewer);
  first.end("done");
  await viewer.terminal(first.id);
  await settled();
  const before = viewer.seqs.length;
  let refused = 0;
  sessions.commit = async () => {
    sessions.commit = commit;
    refused += 1;
    throw new Error("disk full");
  };
  const second = await submit(viewer);
  await second.ctx.log.info("1");
  await second.ctx.flush();
  await settled();
  expect(refused).toBe(1);
  expect(texts(viewer).slice(before)).toEqual(numbered(before + 1, second.id, 2));
  expect((await store.sessions.runs(session)).at(-1)).toEqual({
    from: before + 1,
    job: second.id,
    jobFrom: 1,
    role: "owner",
  });
  // What was sent means the same to the next process.
  const told = texts(viewer);
  const back = new Viewer(start());
  await back.resume(welcome, 0);
  await settled();
  expect(texts(back).slice(0, told.length)).toEqual(told);
});

test("P1: if a second job is quicker than the first, it takes the number intended for the first", async () => {
  const { viewer, welcome, submit, start, store, session, hold } = await scene();
  const release = hold();
  const slow = await submit(viewer);
  const quick = await submit(viewer);
  const jobs = [slow, quick];
  await release();
  for (const job of jobs.toReversed()) job.end("done");
  for (const { id } of jobs) await viewer.terminal(id);
  await settled();
  expect(viewer.seqs).toEqual(dense(4));
  const told = texts(viewer);
  for (const { id } of jobs) {
    expect(told.filter(([, job]) => job === id).map(([, , seq]) => seq)).toEqual([1, 2]);
  }
  expect((await store.sessions.runs(session))[0]?.from).toBe(1);
  const back = new Viewer(start());
  await back.resume(welcome, 0);
  await settled();
  expect(texts(back)).toEqual(told);
});

test("R-6.3-20: after a crash before the first records a session follows what it owns, from the beginning", async () => {
  const { viewer, welcome, submit, start, store } = await scene();
  const { append } = store.logs;
  store.logs.append = () => new Promise(() => {});
  // A run was opened ahead only for the first of them.
  const jobs = [await submit(viewer), await submit(viewer)];
  await settled();
  const next = start();
  store.logs.append = append;
  const back = new Viewer(next);
  await back.resume(welcome, 0);
  for (const { id } of jobs) await back.terminal(id);
  expect(back.seqs).toEqual(dense(2));
  expect(back.stream.map(({ job_seq }) => job_seq)).toEqual([1, 1]);
});
