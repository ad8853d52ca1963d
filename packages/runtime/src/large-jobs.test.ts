import type { JobId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { collectGarbage } from "../test/collect-garbage.ts";
import { FakeUpstream } from "../test/fake-upstream.ts";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { Store } from "./store/index.ts";

const LARGE = "x".repeat(256 * 1024);
const JOBS = 20;

/** Counts the characters of all rows that the index returns from now on. */
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

test("R-14-2: a finished job's input is not kept; its end, its listing and its resubmission do without it", async () => {
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

test("R-14-2: a job that runs for days keeps nothing of its former checkpoints", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { ctx } = await start(viewer);
  /** Bytes that each checkpoint leaves behind. */
  const left = async (): Promise<number> => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 10_000; i++) await ctx.checkpoint(i);
    collectGarbage();
    return (process.memoryUsage().heapUsed - before) / 10_000;
  };
  await left();
  // Some two hundred if each kept its predecessors.
  expect(Math.min(await left(), await left(), await left())).toBeLessThan(50);
});

describe("R-14-2: of a message of the maximum size", () => {
  const TIMES = 30;
  const MIB = 1024 * 1024;
  const long = (i: number): string => Buffer.alloc(MIB, 65 + i).toString("latin1");

  /** Bytes that each of these submits leaves once it is answered and its job is over. */
  async function left(submit: (viewer: Viewer, i: number) => Promise<string | undefined>) {
    const quoting = defineAgent({
      name: "quoting",
      input: z.strictObject({ known: z.string().optional() }),
      run: () => "done",
    });
    const { runtime } = hosting({ agents: [quoting] });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < TIMES; i++) {
      const job = await submit(viewer, i);
      if (job !== undefined) await viewer.terminal(job);
      viewer.frames.length = 0;
    }
    await settled();
    collectGarbage();
    const bytes = (process.memoryUsage().heapUsed - before) / TIMES;
    await runtime.close();
    return bytes;
  }

  test("the trace that it names leaves no more than its id with the job", async () => {
    const bytes = await left(async (viewer, i) => {
      const trace_id = `00-9f2c41d07be84a6392d5e8b1c03f7a64-00f067aa0ba902b7-01-${long(i)}`;
      const submit = { agent: "quoting", input: {} };
      const { job_id } = await viewer.reply(viewer.send("job.submit", submit, { trace_id }));
      return job_id;
    });
    expect(bytes).toBeLessThan(MIB / 2);
  });

  test("a refusal that quotes it leaves no more than its own text with the session", async () => {
    const bytes = await left(async (viewer, i) => {
      const { payload } = await viewer.submit("quoting", { [long(i)]: 1 });
      expect(payload).toMatchObject({ code: "INVALID_REQUEST" });
      expect(payload.message).toHaveLength(2048);
      return undefined;
    });
    expect(bytes).toBeLessThan(MIB / 2);
  });
});

test("R-14-2: a running job takes a few times the size of its lease, however many names the lease contains", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const patterns = Array.from({ length: 240 }, (_, i) => `/${"x/".repeat(500)}${i}`);
  const lease = { "fs.read": patterns };
  const rest = { lease_request: lease };
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10; i++) {
    await start(viewer, rest);
    viewer.frames.length = 0;
  }
  collectGarbage();
  const bytes = (process.memoryUsage().heapUsed - before) / 10;
  expect(bytes / JSON.stringify(lease).length).toBeLessThan(10);
});

test("R-7.2-3: an identical resubmission gets the same answer before and after the end, when the input is gone", async () => {
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

test("R-14-2, R-7.3-10: a restart with many large jobs, and a listing of them, read only what is run again", async () => {
  const machine = hosts({ led: { attempts: 2 } });
  const { start, store } = machine;
  const viewer = new Viewer(start());
  const welcome = await viewer.hello([...ALL_FEATURES, "list_jobs"]);
  for (let i = 0; i < JOBS; i++) await large(machine)(viewer);
  // All but one are like jobs that cannot be run again.
  const [first, ...others] = await store.jobs.list({ limit: JOBS });
  for (const { id } of others) await store.jobs.update(id, { streamed: true });
  const characters = reading(store);
  const again = new Viewer(start());
  await again.resume(welcome, 0);
  for (const { id } of others) await again.terminal(id);
  const { payload } = await again.reply(again.send("session.list_jobs", {}));
  expect(payload.jobs).toHaveLength(JOBS);
  // That one, with input and checkpoint, at most twice: to run it, and on its session's return.
  expect(characters()).toBeGreaterThan(2 * LARGE.length);
  expect(characters()).toBeLessThan(5 * LARGE.length);
  for (const { id } of others) {
    const row = await store.jobs.get(id);
    expect([row?.status, row?.input, row?.checkpoint]).toEqual(["error", undefined, undefined]);
  }
  expect((await store.jobs.get(first?.id as never))?.checkpoint).toHaveLength(LARGE.length + 2);
});

const most = (characters: number) => ({ limits: { liveInputCharactersPerPrincipal: characters } });
const input = (characters: number): string => "x".repeat(characters - 2);
const TOO_MUCH = { details: { reason: "live_input_characters_per_principal" } };

test("R-7.1-5: a job whose credentials are not issued frees the room of its input", async () => {
  const upstream = new FakeUpstream();
  const viewer = new Viewer(hosts({ provisioners: { llm: upstream }, ...most(30) }).start());
  await viewer.hello();
  upstream.onIssue = () => Promise.reject(new Error("no"));
  expect((await viewer.submit("led", input(30))).payload.details).toEqual({
    reason: "credential_issue",
  });
  upstream.onIssue = async () => {};
  expect((await viewer.submit("led", input(30))).type).toBe("job.accepted");
});

test("R-7.1-5: the input of a delegated job counts until the job ends, whether delegated by an agent or by a client", async () => {
  const { start, submit, nextRun, store } = hosts(most(30));
  const viewer = new Viewer(start());
  await viewer.hello();
  const lease_request = { "agent.delegate": ["led"] };
  // An input of null has four.
  const parent = await submit(viewer, { lease_request });
  const begun = nextRun();
  const child = await parent.ctx.delegate("led", input(20));
  const { end } = await begun;
  const named = () => viewer.submit("led", input(7), { parent_job_id: parent.id });
  expect((await named()).payload).toMatchObject(TOO_MUCH);
  await expect(parent.ctx.delegate("led", input(7))).rejects.toMatchObject(TOO_MUCH);
  expect((await viewer.submit("led", input(7))).payload).toMatchObject(TOO_MUCH);
  // The child is not run again, so nobody needs its input.
  const written = async (id: string) => (await store.jobs.get(id as JobId))?.input;
  expect([await written(parent.id), await written(child.id)]).toEqual(["null", undefined]);
  end("done");
  await child.result();
  await settled();
  expect((await named()).type).toBe("job.accepted");
  // All of the family is over, though only the parent ended by itself.
  parent.end("done");
  await viewer.terminal(parent.id);
  await settled();
  expect((await viewer.submit("led", input(30))).type).toBe("job.accepted");
});

test("R-7.1-5: the input of a job that is run again counts, even if there is no room for it", async () => {
  const { start, nextRun } = hosts({ led: { attempts: 2 }, ...most(30) });
  const before = new Viewer(start());
  const welcome = await before.hello();
  const text = '"ü😀\n';
  const { length } = JSON.stringify(text);
  const { job_id } = await before.submit("led", text);
  await settled();
  const run = nextRun();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  const { end } = await run;
  expect((await after.submit("led", input(31 - length))).payload).toMatchObject(TOO_MUCH);
  expect((await after.submit("led", input(30 - length))).type).toBe("job.accepted");
  expect((await after.submit("led")).payload).toMatchObject(TOO_MUCH);
  end("done");
  await after.terminal(job_id);
  await settled();
  expect((await after.submit("led", input(length))).type).toBe("job.accepted");
  // The operator allows less by now.
  const late = new Viewer(start(most(length - 1)));
  await late.hello();
  expect((await late.submit("led", input(2))).payload).toMatchObject(TOO_MUCH);
});
