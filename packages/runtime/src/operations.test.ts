import { newJobId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting, type LedJob } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { Pace } from "../test/pace.ts";
import { Viewer } from "../test/viewer.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function twoPrincipals() {
  const host = hosting();
  const [alice, bob] = [new Viewer(host.runtime), new Viewer(host.runtime)];
  const welcome = await alice.hello();
  await bob.hello(undefined, "other");
  return { ...host, alice, bob, welcome };
}

test("an operator can list and filter the jobs of all principals, finished ones too", async () => {
  const { runtime, start, alice, bob, clock } = await twoPrincipals();
  const first = await start(alice);
  clock.advance(10);
  const second = await start(bob);
  first.end("done");
  await alice.terminal(first.id);
  await settled();
  const ids = async (filter?: object) =>
    (await all(runtime.jobs.list(filter))).map(({ id }) => id as string);
  expect(await ids()).toEqual([first.id, second.id]);
  expect(await ids({ principal: "bob" })).toEqual([second.id]);
  expect(await ids({ status: ["success"] })).toEqual([first.id]);
  expect(await ids({ agent: "other" })).toEqual([]);
  expect(await runtime.jobs.get(first.id)).toMatchObject({
    principal: "alice",
    status: "success",
    agent: "led",
    finishedAt: clock.now(),
  });
  expect(await runtime.jobs.get(newJobId())).toBeUndefined();
});

test("an operator can read what is left of a job's budget, exactly, once it has finished too", async () => {
  const { runtime, start, alice, begun } = await twoPrincipals();
  const left = async (id: string) => (await runtime.jobs.get(id))?.remaining;
  const unlimited = await start(alice);
  expect(await left(unlimited.id)).toBeUndefined();

  const lease = { "cost.budget": ["USD:0.50", "EUR:2", "USD:0.50"], "agent.delegate": ["led"] };
  const job = await start(alice, { lease_request: lease });
  expect(await left(job.id)).toEqual({ USD: "1", EUR: "2" });

  const child = await job.ctx.delegate("led", null, { lease: { "cost.budget": ["USD:0.5"] } });
  const part = await begun.get(child.id)?.promise;
  for (const ctx of [job.ctx, part?.ctx, part?.ctx]) {
    await ctx?.metric({ name: "cost.test", value: 0.1, unit: "USD" });
  }
  part?.end(null);
  await child.result();
  job.end(null);
  await alice.terminal(job.id);
  await settled();
  expect(await left(child.id)).toEqual({ USD: "0.3" });
  expect(await left(job.id)).toEqual({ USD: "0.7", EUR: "2" });
});

test("a listing over several pages repeats and misses nothing", async () => {
  const { runtime, start, alice } = await twoPrincipals();
  const ids: string[] = [];
  for (let i = 0; i < 250; i++) ids.push((await start(alice)).id);
  const listed = (await all(runtime.jobs.list())).map(({ id }) => id);
  expect(listed).toEqual([...ids].sort());
});

test("R-7.4-1: an operator can cancel any job, and its owner learns why", async () => {
  const { runtime, start, alice } = await twoPrincipals();
  const job = await start(alice);
  expect(await runtime.jobs.cancel(job.id, "too expensive")).toBe(true);
  expect(job.ctx.signal.aborted).toBe(true);
  job.end(null);
  expect((await alice.terminal(job.id)).payload).toMatchObject({
    code: "CANCELLED",
    message: "too expensive",
  });
  await settled();
  expect(await runtime.jobs.cancel(job.id)).toBe(false);
  await expect(runtime.jobs.cancel(newJobId())).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
});

test("an operator cancels exactly the jobs that fit a filter", async () => {
  const { runtime, start, alice, bob } = await twoPrincipals();
  const hers = [await start(alice), await start(alice)];
  const his = await start(bob);
  const done = await start(alice);
  done.end(null);
  await alice.terminal(done.id);
  await settled();
  expect(await runtime.jobs.cancelAll("maintenance", { principal: "alice" })).toBe(2);
  expect(hers.every(({ ctx }) => ctx.signal.aborted)).toBe(true);
  expect(his.ctx.signal.aborted).toBe(false);
  expect(await runtime.jobs.cancelAll("maintenance")).toBe(3);
});

test("cancelling all goes on if one is gone meanwhile, and reports what failed", async () => {
  const { runtime, start, alice, store, clock } = await twoPrincipals();
  const jobs: LedJob[] = [];
  for (let i = 0; i < 3; i++) {
    jobs.push(await start(alice));
    clock.advance(1);
  }
  const { list } = store.jobs;
  const stranger = newJobId();
  store.jobs.list = async (query) => {
    const rows = await list(query);
    return rows.map((row, i) => (i === 1 ? { ...row, id: stranger } : row));
  };
  expect(await runtime.jobs.cancelAll("maintenance")).toBe(2);
  expect(jobs.map(({ ctx }) => ctx.signal.aborted)).toEqual([true, false, true]);
});

describe("J4: of many jobs a few are handled per turn, and others get their turns in between", () => {
  async function many(count: number) {
    const host = hosting({ limits: { liveJobsPerPrincipal: count } });
    const viewer = new Viewer(host.runtime);
    await viewer.hello();
    const jobs = await Promise.all(Array.from({ length: count }, () => host.start(viewer)));
    await settled();
    const pace = new Pace();
    const counted = () => {
      for (const { ctx } of jobs) ctx.signal.addEventListener("abort", () => pace.count());
      return pace;
    };
    return { ...host, jobs, pace, counted };
  }

  test("when all are cancelled", async () => {
    const { runtime, counted } = await many(500);
    const pace = counted();
    expect(await runtime.jobs.cancelAll("maintenance")).toBe(500);
    const { most, all } = pace.end();
    expect(all).toBe(500);
    expect(most).toBeLessThan(150);
  });

  test("when the runtime closes", async () => {
    const { runtime, counted } = await many(500);
    const pace = counted();
    await runtime.close();
    const { most, all } = pace.end();
    expect(all).toBe(500);
    expect(most).toBeLessThan(150);
  });

  test("when they are listed", async () => {
    const { runtime, pace } = await many(1000);
    for await (const _ of runtime.jobs.list()) pace.count();
    const { most, all } = pace.end();
    expect(all).toBe(1000);
    expect(most).toBeLessThanOrEqual(400);
  });
});

test("R-7.3-10: an operator's first call already sees what the previous process left", async () => {
  const { start, submit } = hosts();
  const viewer = new Viewer(start());
  await viewer.hello();
  const job = await submit(viewer);
  await settled();
  const runtime = start();
  expect(await all(runtime.jobs.list())).toMatchObject([{ id: job.id, status: "error" }]);
  const again = start();
  expect(await again.jobs.cancel(job.id)).toBe(false);
});

test("jobs and sessions are counted by state", async () => {
  const { runtime, start, alice, bob } = await twoPrincipals();
  expect(runtime.jobs.count()).toEqual({ pending: 0, running: 0 });
  const job = await start(alice);
  await start(bob);
  await settled();
  expect(runtime.jobs.count()).toEqual({ pending: 0, running: 2 });
  expect(runtime.sessions.count()).toEqual({ connected: 2, parked: 0 });
  bob.sever();
  await settled();
  expect(runtime.sessions.count()).toEqual({ connected: 1, parked: 1 });
  job.end(null);
  await alice.terminal(job.id);
  await settled();
  expect(runtime.jobs.count()).toEqual({ pending: 0, running: 1 });
});

test("an operator ends a session for good: with an error, its token void, its jobs unharmed", async () => {
  const { runtime, start, alice, bob, welcome } = await twoPrincipals();
  const job = await start(alice);
  const id = welcome.session_id ?? "";
  expect(runtime.sessions.get(id)).toMatchObject({
    principal: "alice",
    connected: true,
    following: 1,
  });
  expect(runtime.sessions.list()).toHaveLength(2);
  expect(await runtime.sessions.end(id, "leaked token")).toBe(true);
  expect(await alice.ended).toMatchObject({ reason: "refused" });
  expect(alice.frames.at(-1)).toMatchObject({
    type: "session.closed",
    payload: { reason: "leaked token" },
  });
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(job.ctx.signal.aborted).toBe(false);
  expect(runtime.sessions.list().map(({ principal }) => principal)).toEqual(["bob"]);
  expect(await runtime.sessions.end(id)).toBe(false);
  await start(bob);
});

test.each(["x".repeat(1_025), 7n, {}, null])(
  "a reason that no client can read is refused, and nothing ends",
  async (given) => {
    const { runtime, start, alice, welcome } = await twoPrincipals();
    const job = await start(alice);
    const reason = given as string;
    const tooLong = {
      code: "MISUSE",
      message: expect.stringContaining("a string of at most 1024 characters"),
    };
    await expect(runtime.jobs.cancel(job.id, reason)).rejects.toMatchObject(tooLong);
    await expect(runtime.sessions.end(`${welcome.session_id}`, reason)).rejects.toMatchObject(
      tooLong,
    );
    await expect(runtime.jobs.cancelAll(reason)).rejects.toMatchObject({ code: "MISUSE" });
    await settled();
    expect(job.ctx.signal.aborted).toBe(false);
    expect(runtime.sessions.get(`${welcome.session_id}`)).toMatchObject({ connected: true });
    expect(await runtime.jobs.cancel(job.id, "x".repeat(1_024))).toBe(true);
  },
);
