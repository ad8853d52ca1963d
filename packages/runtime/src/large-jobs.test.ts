import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosts } from "../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import type { Store } from "./store/index.ts";

const LARGE = "x".repeat(256 * 1024);
const JOBS = 20;

/** Counts the characters of all rows that the index gives from now on. */
function reading({ jobs }: Store): () => number {
  const { list, get } = jobs;
  let characters = 0;
  const count = <T>(read: T): T => {
    characters += JSON.stringify(read ?? null).length;
    return read;
  };
  jobs.list = async (query) => count(await list.call(jobs, query));
  jobs.get = async (id) => count(await get.call(jobs, id));
  return () => characters;
}

const large = (crowd: ReturnType<typeof hosts>) => async (viewer: Viewer) => {
  const run = crowd.nextRun();
  const { job_id } = await viewer.submit("led", LARGE);
  const job = { id: job_id as never, ...(await run) };
  await job.ctx.checkpoint(LARGE);
  return job;
};

test("R-14-2: what a finished job began with is not kept, and its end, its listing and its resubmission do without", async () => {
  const machine = hosts();
  const { start, store } = machine;
  const viewer = new Viewer(start());
  await viewer.hello();
  const job = await large(machine)(viewer);
  expect(await store.jobs.get(job.id)).toMatchObject({ status: "running" });
  expect((await store.jobs.get(job.id))?.input).toHaveLength(LARGE.length + 2);
  expect((await store.jobs.get(job.id))?.checkpoint).toHaveLength(LARGE.length + 2);
  job.end("done");
  await viewer.terminal(job.id);
  await settled();
  const row = await store.jobs.get(job.id);
  expect([row?.status, row?.input, row?.checkpoint]).toEqual(["success", undefined, undefined]);
});

test("R-7.2-3: an identical resubmission is answered alike before the end and after it, when the input is gone", async () => {
  const machine = hosts();
  const { start, store, nextRun, runs } = machine;
  const viewer = new Viewer(start());
  await viewer.hello();
  const run = nextRun();
  const once = { idempotency_key: "once" };
  const replies = [await viewer.submit("led", LARGE, once)];
  const { end } = await run;
  replies.push(await viewer.submit("led", LARGE, once));
  end("done");
  const job_id = replies[0]?.job_id;
  await viewer.terminal(job_id);
  await settled();
  expect((await store.jobs.get(job_id as never))?.input).toBeUndefined();
  replies.push(await viewer.submit("led", LARGE, once));
  const payloads = replies.map(({ payload: { request_id: _, ...payload } }) => payload);
  expect(payloads).toEqual([payloads[0], payloads[0], payloads[0]]);
  const other = await viewer.reply(
    viewer.send("job.submit", { agent: "led", input: "other", ...once }),
  );
  expect(other.payload).toMatchObject({ code: "DUPLICATE_KEY" });
  expect(runs()).toBe(1);
});

test("R-14-2, R-7.3-10: a restart over many large jobs and a listing of them read only what is run again", async () => {
  const machine = hosts({ led: { attempts: 2 } });
  const { start, store } = machine;
  const viewer = new Viewer(start());
  const welcome = await viewer.hello([...ALL_FEATURES, "list_jobs"]);
  for (let i = 0; i < JOBS; i++) await large(machine)(viewer);
  // All but one are as those that cannot be run again.
  const [first, ...others] = await store.jobs.list({ limit: JOBS });
  for (const { id } of others) await store.jobs.update(id, { streamed: true });
  const characters = reading(store);
  const again = new Viewer(start());
  await again.resume(welcome, 0);
  for (const { id } of others) await again.terminal(id);
  const { payload } = await again.reply(again.send("session.list_jobs", {}));
  expect(payload.jobs).toHaveLength(JOBS);
  // The one, with input and checkpoint, twice at most: to run it, and on the way back to its session.
  expect(characters()).toBeGreaterThan(2 * LARGE.length);
  expect(characters()).toBeLessThan(5 * LARGE.length);
  for (const { id } of others) {
    const row = await store.jobs.get(id);
    expect([row?.status, row?.input, row?.checkpoint]).toEqual(["error", undefined, undefined]);
  }
  expect((await store.jobs.get(first?.id as never))?.checkpoint).toHaveLength(LARGE.length + 2);
});
